// What the first page shows is asked for while the program that shows it still loads. It takes the
// answers from here (ipc/browser.rs), each once; outside the app's window there is nothing to ask.
const door = window.__TAURI_INTERNALS__;
if (door) {
  window.early = {};
  for (const name of ["list_integrations", "get_app", "get_settings", "list_notices", "list_approvals", "list_crons"]) {
    const answer = door.invoke(name, { request: {} });
    // Whoever takes it hears of the refusal; until then it is nobody's.
    answer.catch(() => {});
    window.early[name] = answer;
  }
}
