//! The Tauri commands: one for each row of `wire`'s table, handed to the engine.

use crate::Starting;
use tauri::State;

macro_rules! expand {
    ($($name:ident: $request:ident => $reply:ty),* $(,)?) => {
        $(
            #[tauri::command]
            async fn $name(
                starting: State<'_, Starting>,
                request: wire::$request,
            ) -> Result<$reply, wire::Error> {
                engine::commands::$name(&starting.engine().await?, request).await
            }
        )*

        /// Answers every command of the table. Whether the page may call one is Tauri's to say:
        /// each is allowed by name in tauri.conf.json.
        pub fn handler() -> impl Fn(tauri::ipc::Invoke) -> bool {
            tauri::generate_handler![$($name),*]
        }
    };
}
wire::commands!(expand);
