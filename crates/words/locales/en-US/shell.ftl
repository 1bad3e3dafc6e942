tray-open = Open
tray-test-all = Test all
tray-quit = Quit
