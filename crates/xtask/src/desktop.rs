//! A whole Linux desktop for one command, thrown away after it: a screen, a session bus, a window manager, a keyring,
//! a notification daemon, and a HOME and XDG folders of its own. Nothing of the user's is read or written.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::interrupt::{self, Registered};
use crate::process::{end_group, find, forget_our_cargo, output, own_group, shown};
use crate::setup::{self, Consent, Purpose};

/// How long one part of the desktop may take to be there.
const PART_LIMIT: Duration = Duration::from_secs(15);

/// The password of the throw-away keyring.
const KEYRING_PASSWORD: &str = "chief";

/// What answers for the keyring on the bus.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Keyring {
    /// gnome-keyring, unlocked
    Unlocked,
    /// gnome-keyring with its login collection locked: a read waits for a prompt that nobody answers
    Locked,
    /// No Secret Service, and none that the bus could start
    None,
}

#[derive(clap::Args)]
pub struct Arguments {
    /// What answers for the keyring
    #[arg(long, value_enum, default_value_t = Keyring::Unlocked)]
    keyring: Keyring,
    /// Dark instead of light
    #[arg(long)]
    dark: bool,
    /// Install what is missing without asking
    #[arg(long)]
    yes: bool,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, required = true)]
    command: Vec<String>,
}

/// Which colours GTK, and so `prefers-color-scheme`, has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Theme {
    Light,
    Dark,
}

/// `cargo xtask desktop -- COMMAND …`; ends as the command does.
pub fn command(arguments: Arguments) -> Result<ExitCode> {
    setup::prepare(Purpose::Desktop, Consent::new(arguments.yes))?;
    let theme = if arguments.dark {
        Theme::Dark
    } else {
        Theme::Light
    };
    let desktop = Desktop::start(arguments.keyring, theme)?;
    let (program, rest) = arguments
        .command
        .split_first()
        .context("no command was given")?;
    let status = desktop
        .command(program)
        .args(rest)
        .status()
        .with_context(|| format!("could not start {program}"))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// A running desktop. Ends with everything in it when dropped, and on ctrl-C.
pub struct Desktop {
    // In the order in which they must end: programs first, folders last.
    parts: Vec<Part>,
    variables: Vec<(&'static str, String)>,
    home: TempDir,
    _folder: Registered,
}

struct Part {
    child: Child,
    _entry: Registered,
}

impl Desktop {
    /// Starts one and waits until each part of it answers.
    pub fn start(keyring: Keyring, theme: Theme) -> Result<Self> {
        let home = tempfile::Builder::new()
            .prefix("chief-desktop-")
            .tempdir()?;
        let _folder = interrupt::folder(home.path());
        let mut desktop = Self {
            parts: Vec::new(),
            variables: Vec::new(),
            home,
            _folder,
        };
        desktop.folders()?;
        desktop.set(
            "GTK_THEME",
            match theme {
                Theme::Light => "Adwaita".to_owned(),
                Theme::Dark => "Adwaita:dark".to_owned(),
            },
        );
        desktop.screen()?;
        desktop.bus(keyring)?;
        desktop.part(background("openbox"), "openbox")?;
        if keyring != Keyring::None {
            desktop.keyring(keyring)?;
        }
        desktop.part(background("dunst"), "dunst")?;
        desktop.wait_for_name("org.freedesktop.Notifications")?;
        Ok(desktop)
    }

    /// Where the app keeps its data in this desktop.
    pub fn data_folder(&self) -> PathBuf {
        self.home.path().join(".local/share/app.chief.integrations")
    }

    /// A command that runs in this desktop.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.dress(&mut command);
        command
    }

    fn dress(&self, command: &mut Command) {
        forget_our_cargo(command);
        for name in [
            "WAYLAND_DISPLAY",
            "XAUTHORITY",
            "DBUS_SESSION_BUS_ADDRESS",
            "GNOME_KEYRING_CONTROL",
            "SSH_AUTH_SOCK",
            "XDG_CURRENT_DESKTOP",
            "XDG_SESSION_TYPE",
            "DESKTOP_SESSION",
        ] {
            command.env_remove(name);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.variables.push((name, value));
    }

    fn folders(&mut self) -> Result<()> {
        let home = self.home.path().to_path_buf();
        for (name, folder) in [
            ("XDG_DATA_HOME", ".local/share"),
            ("XDG_CONFIG_HOME", ".config"),
            ("XDG_CACHE_HOME", ".cache"),
            ("XDG_STATE_HOME", ".local/state"),
            ("XDG_RUNTIME_DIR", "run"),
            ("DESKTOP_LOG", "log"),
        ] {
            let folder = home.join(folder);
            fs::create_dir_all(&folder)?;
            self.set(name, text(&folder));
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(home.join("run"), fs::Permissions::from_mode(0o700))?;
        }
        // Tests call cargo in here; its caches and toolchains stay the user's.
        if let Some(users) = env::home_dir() {
            for (name, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
                if env::var_os(name).is_none() {
                    self.set(name, text(&users.join(folder)));
                }
            }
        }
        self.set("HOME", text(&home));
        self.set("GDK_BACKEND", "x11".to_owned());
        // Nobody reads the screen aloud in here, and the bridge's warnings hide others.
        self.set("NO_AT_BRIDGE", "1".to_owned());
        Ok(())
    }

    fn screen(&mut self) -> Result<()> {
        let mut screen = background("Xvfb");
        // Chooses a free number by itself and says which.
        screen.args([
            "-displayfd",
            "1",
            "-screen",
            "0",
            "1440x960x24",
            "-nolisten",
            "tcp",
        ]);
        let number = self.first_line(screen, "Xvfb")?;
        self.set("DISPLAY", format!(":{number}"));
        Ok(())
    }

    fn bus(&mut self, keyring: Keyring) -> Result<()> {
        let mut bus = background("dbus-daemon");
        if keyring == Keyring::None {
            // No service folders: the bus cannot start a Secret Service, so nobody answers.
            let file = self.home.path().join("bus.conf");
            fs::write(
                &file,
                format!(
                    "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
                     \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n<busconfig><type>session</type>\
                     <listen>unix:dir={}</listen><policy context=\"default\"><allow send_destination=\"*\" \
                     eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n",
                    self.home.path().join("run").display()
                ),
            )?;
            bus.arg(format!("--config-file={}", file.display()));
        } else {
            bus.arg("--session");
        }
        bus.args(["--nofork", "--print-address=1"]);
        let address = self.first_line(bus, "dbus-daemon")?;
        self.set("DBUS_SESSION_BUS_ADDRESS", address);
        Ok(())
    }

    fn keyring(&mut self, keyring: Keyring) -> Result<()> {
        let mut daemon = background("gnome-keyring-daemon");
        daemon
            .args(["--foreground", "--unlock", "--components=secrets"])
            .stdin(Stdio::piped());
        let child = self.part(daemon, "gnome-keyring")?;
        let mut stdin = child.stdin.take().context("gnome-keyring has no stdin")?;
        stdin.write_all(KEYRING_PASSWORD.as_bytes())?;
        drop(stdin);
        self.wait_for_name("org.freedesktop.secrets")?;
        if keyring == Keyring::Locked {
            output(self.command("dbus-send").args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.secrets",
                "/org/freedesktop/secrets",
                "org.freedesktop.Secret.Service.Lock",
                "array:objpath:/org/freedesktop/secrets/collection/login",
            ]))?;
        }
        Ok(())
    }

    /// Starts a part in the background, its output in the log folder.
    fn part(&mut self, mut command: Command, name: &str) -> Result<&mut Child> {
        let log = fs::File::create(self.log(name))?;
        command.stdout(log.try_clone()?).stderr(log);
        self.spawn(command)
    }

    fn log(&self, name: &str) -> PathBuf {
        self.home.path().join("log").join(format!("{name}.log"))
    }

    fn spawn(&mut self, mut command: Command) -> Result<&mut Child> {
        self.dress(&mut command);
        own_group(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("could not start {}", shown(&command)))?;
        let _entry = interrupt::group(child.id());
        self.parts.push(Part { child, _entry });
        let part = self.parts.last_mut().expect("it was pushed a line above");
        Ok(&mut part.child)
    }

    /// Starts a part that says on its first line of output where it listens.
    fn first_line(&mut self, mut command: Command, name: &str) -> Result<String> {
        let log = self.log(name);
        command
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log)?);
        let child = self.spawn(command)?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        if line.trim().is_empty() {
            let said = fs::read_to_string(&log).unwrap_or_default();
            bail!("{name} did not start: {}", said.trim());
        }
        Ok(line.trim().to_owned())
    }

    fn wait_for_name(&self, name: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let answer = output(self.command("dbus-send").args([
                "--session",
                "--print-reply",
                "--dest=org.freedesktop.DBus",
                "/org/freedesktop/DBus",
                "org.freedesktop.DBus.NameHasOwner",
                &format!("string:{name}"),
            ]))?;
            if answer.contains("boolean true") {
                return Ok(());
            }
            if began.elapsed() > PART_LIMIT {
                bail!("nobody answers for {name} on the session bus");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // The newest first: the screen and the bus last, so that nothing complains about losing them.
        for part in self.parts.iter_mut().rev() {
            end_group(&mut part.child);
        }
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A part of the desktop, not yet started. The kernel ends it when we are killed without a chance to clean up
/// (`setpriv` is util-linux's).
fn background(program: &str) -> Command {
    let Some(setpriv) = find("setpriv") else {
        return Command::new(program);
    };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}
