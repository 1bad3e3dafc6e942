//! What any Tauri and Yew window costs before it does anything: `cargo xtask bench` measures the app beside it.

fn main() {
    tauri::Builder::default()
        .run(tauri::generate_context!())
        .expect("the bare window opens");
}
