//! One function for each row of `wire`'s table: a command without a body does not compile.
//!
//! Owns: nothing but the handing on. Must not know: which transport a request came by.

use crate::{
    Engine, agents, apps, background, calls::approval, came_back, connect, crons, documents,
    health, integrations, notices, providers, record, settings, store, tasks,
};
use rusqlite::Connection;
use wire::{
    ActivityPage, AgentsView, AppView, AttemptView, BackgroundView, Because, CardView,
    CatalogueView, ChannelsView, DisconnectPreview, Disconnected, DocumentView, Error, ErrorCode,
    IntegrationView, KeyringView, NoticeView, Paired, RecordSettingsView, Settings, SlackTested,
    TestReport, ToolChanges, ToolView, Topic,
};

/// Most rows of activity on one page.
const PAGE_MAX: u32 = 200;

pub async fn list_integrations(
    engine: &Engine,
    _: wire::ListIntegrations,
) -> Result<Vec<CardView>, Error> {
    engine.store().settle().await;
    integrations::cards(engine).await
}

pub async fn get_integration(
    engine: &Engine,
    ask: wire::GetIntegration,
) -> Result<IntegrationView, Error> {
    engine.store().settle().await;
    integrations::page(engine, ask.id).await
}

pub async fn list_tools(engine: &Engine, ask: wire::ListTools) -> Result<Vec<ToolView>, Error> {
    integrations::tools(engine, ask.id).await
}

pub async fn list_providers(
    engine: &Engine,
    _: wire::ListProviders,
) -> Result<CatalogueView, Error> {
    providers::list(engine).await
}

pub async fn start_connect(engine: &Engine, ask: wire::StartConnect) -> Result<AttemptView, Error> {
    connect::start(engine, &ask.target, ask.confirmed, ask.ends_at).await
}

pub async fn get_attempt(engine: &Engine, ask: wire::GetAttempt) -> Result<AttemptView, Error> {
    engine.attempts().get(ask.id).map(|attempt| attempt.view())
}

pub async fn answer_attempt(
    engine: &Engine,
    ask: wire::AnswerAttempt,
) -> Result<AttemptView, Error> {
    engine.attempts().answer(ask.id, ask.confirmed)
}

pub async fn cancel_attempt(engine: &Engine, ask: wire::CancelAttempt) -> Result<(), Error> {
    engine.attempts().cancel(ask.id);
    Ok(())
}

pub async fn open_browser_again(engine: &Engine, ask: wire::OpenBrowserAgain) -> Result<(), Error> {
    let link = engine.attempts().link(ask.id)?;
    open(engine, &link)
}

fn open(engine: &Engine, url: &str) -> Result<(), Error> {
    engine
        .desk()
        .open_url(url)
        .map_err(|why| Error::new(ErrorCode::BrowserUnavailable).with("why", why))
}

/// The address is the record's, never the page's: nothing else can be opened this way.
pub async fn open_thread(engine: &Engine, ask: wire::OpenThread) -> Result<(), Error> {
    let read = move |conn: &Connection| store::calls::because(conn, ask.call);
    match engine.store().read(read).await? {
        Some(Because::Task { url: Some(url), .. }) => open(engine, &url),
        Some(
            Because::Task { url: None, .. }
            | Because::Admin { .. }
            | Because::Health
            | Because::Connecting
            | Because::Cron { .. }
            | Because::Outside
            | Because::Notice,
        )
        | None => Err(Error::new(ErrorCode::ThreadUnknown)),
    }
}

pub async fn attempt_link(engine: &Engine, ask: wire::AttemptLink) -> Result<String, Error> {
    engine.attempts().link(ask.id)
}

pub async fn reconnect(engine: &Engine, ask: wire::Reconnect) -> Result<AttemptView, Error> {
    connect::reconnect(engine, &ask).await
}

pub async fn test_integration(
    engine: &Engine,
    ask: wire::TestIntegration,
) -> Result<TestReport, Error> {
    let because = engine.admin().await;
    health::ping(engine, ask.id, &because).await
}

pub async fn probe_integration(
    engine: &Engine,
    ask: wire::ProbeIntegration,
) -> Result<Vec<ToolView>, Error> {
    let because = engine.admin().await;
    health::probe(engine, ask.id, &because).await
}

pub async fn rename_integration(
    engine: &Engine,
    ask: wire::RenameIntegration,
) -> Result<(), Error> {
    integrations::rename(engine, ask.id, &ask.name).await
}

pub async fn switch_integration(
    engine: &Engine,
    ask: wire::SwitchIntegration,
) -> Result<(), Error> {
    integrations::switch(engine, ask.id, ask.enabled).await
}

pub async fn set_pace(engine: &Engine, ask: wire::SetPace) -> Result<(), Error> {
    integrations::set_pace(engine, ask.id, ask.minutes).await
}

pub async fn set_end(engine: &Engine, ask: wire::SetEnd) -> Result<(), Error> {
    integrations::set_end(engine, ask.id, ask.ends_at).await
}

pub async fn set_bodies(engine: &Engine, ask: wire::SetBodies) -> Result<(), Error> {
    record::said::set_days(engine, ask.id, ask.days).await
}

pub async fn preview_disconnect(
    engine: &Engine,
    ask: wire::PreviewDisconnect,
) -> Result<DisconnectPreview, Error> {
    connect::preview(engine, ask.id).await
}

pub async fn disconnect(engine: &Engine, ask: wire::Disconnect) -> Result<Disconnected, Error> {
    connect::disconnect(engine, ask.id).await
}

pub async fn list_activity(
    engine: &Engine,
    ask: wire::ListActivity,
) -> Result<ActivityPage, Error> {
    let filter = store::calls::Filter {
        integration: ask.integration,
        before: ask.before,
        limit: ask.limit.clamp(1, PAGE_MAX),
        pings: ask.pings,
        only: ask.filter,
    };
    record::page(engine, filter).await
}

pub async fn list_past_integrations(
    engine: &Engine,
    _: wire::ListPastIntegrations,
) -> Result<Vec<wire::PastIntegration>, Error> {
    engine.store().read(store::calls::past).await
}

pub async fn verify_record(
    engine: &Engine,
    _: wire::VerifyRecord,
) -> Result<wire::RecordProof, Error> {
    record::verify(engine).await
}

pub async fn get_row(engine: &Engine, ask: wire::GetRow) -> Result<wire::RowDetail, Error> {
    record::row(engine, ask.call).await
}

pub async fn start_export(
    engine: &Engine,
    ask: wire::StartExport,
) -> Result<wire::ExportView, Error> {
    record::export::start(engine, ask).await
}

pub async fn get_export(engine: &Engine, ask: wire::GetExport) -> Result<wire::ExportView, Error> {
    record::export::get(engine, ask.id)
}

pub async fn cancel_export(engine: &Engine, ask: wire::CancelExport) -> Result<(), Error> {
    record::export::cancel(engine, ask.id);
    Ok(())
}

pub async fn get_record_settings(
    engine: &Engine,
    _: wire::GetRecordSettings,
) -> Result<RecordSettingsView, Error> {
    record::settings::view(engine).await
}

pub async fn save_record_settings(
    engine: &Engine,
    ask: wire::SaveRecordSettings,
) -> Result<(), Error> {
    record::settings::save(engine, ask.settings).await
}

pub async fn list_agents(engine: &Engine, _: wire::ListAgents) -> Result<AgentsView, Error> {
    engine.store().settle().await;
    agents::list(engine).await
}

pub async fn pair_agent(engine: &Engine, ask: wire::PairAgent) -> Result<Paired, Error> {
    agents::pair(engine, ask).await
}

pub async fn change_agent(engine: &Engine, ask: wire::ChangeAgent) -> Result<(), Error> {
    agents::change(engine, ask).await
}

pub async fn renew_agent(engine: &Engine, ask: wire::RenewAgent) -> Result<Paired, Error> {
    agents::renew(engine, ask).await
}

pub async fn revoke_agent(engine: &Engine, ask: wire::RevokeAgent) -> Result<(), Error> {
    agents::revoke(engine, ask.id).await
}

pub async fn set_policy(engine: &Engine, ask: wire::SetPolicy) -> Result<(), Error> {
    integrations::set_policy(engine, ask).await
}

pub async fn accept_tools(engine: &Engine, ask: wire::AcceptTools) -> Result<(), Error> {
    integrations::accept(engine, ask.id, ask.tools).await
}

pub async fn list_approvals(
    engine: &Engine,
    _: wire::ListApprovals,
) -> Result<Vec<wire::ApprovalView>, Error> {
    Ok(approval::list(engine))
}

pub async fn answer_approval(engine: &Engine, ask: wire::AnswerApproval) -> Result<(), Error> {
    approval::answer(engine, ask.id, ask.answer).await
}

pub async fn set_gateway_port(engine: &Engine, ask: wire::SetGatewayPort) -> Result<(), Error> {
    agents::port::set(engine, ask.port).await
}

pub async fn list_clients(
    engine: &Engine,
    _: wire::ListClients,
) -> Result<Vec<wire::ClientView>, Error> {
    agents::clients::list(engine).await
}

pub async fn preview_client(
    engine: &Engine,
    ask: wire::PreviewClient,
) -> Result<wire::ClientEdit, Error> {
    agents::clients::preview(engine, ask.client).await
}

pub async fn add_to_client(engine: &Engine, ask: wire::AddToClient) -> Result<(), Error> {
    agents::clients::add(engine, ask).await
}

pub async fn undo_client(
    engine: &Engine,
    ask: wire::UndoClient,
) -> Result<wire::ClientUndone, Error> {
    agents::clients::undo(engine, ask.client).await
}

pub async fn list_tasks(engine: &Engine, _: wire::ListTasks) -> Result<Vec<wire::TaskView>, Error> {
    engine.store().settle().await;
    tasks::list(engine).await
}

pub async fn stop_task(engine: &Engine, ask: wire::StopTask) -> Result<(), Error> {
    tasks::stop(engine, ask.id).await
}

pub async fn resume_task(engine: &Engine, ask: wire::ResumeTask) -> Result<(), Error> {
    tasks::resume(engine, ask.id).await
}

/// The address is the task's own, never the page's.
pub async fn open_task_thread(engine: &Engine, ask: wire::OpenTaskThread) -> Result<(), Error> {
    open(engine, &tasks::thread(engine, ask.id).await?)
}

pub async fn list_app_credentials(
    engine: &Engine,
    _: wire::ListAppCredentials,
) -> Result<wire::AppCredentialsPage, Error> {
    apps::page(engine).await
}

pub async fn save_app_credentials(
    engine: &Engine,
    ask: wire::SaveAppCredentials,
) -> Result<(), Error> {
    apps::save(engine, ask).await
}

pub async fn remove_app_credentials(
    engine: &Engine,
    ask: wire::RemoveAppCredentials,
) -> Result<(), Error> {
    apps::remove(engine, ask.owner).await
}

pub async fn list_crons(engine: &Engine, _: wire::ListCrons) -> Result<Vec<wire::CronView>, Error> {
    crons::list(engine).await
}

pub async fn check_schedule(
    engine: &Engine,
    ask: wire::CheckSchedule,
) -> Result<wire::ScheduleView, Error> {
    crons::check(engine, &ask.schedule, &ask.zone)
}

pub async fn check_call(engine: &Engine, ask: wire::CheckCall) -> Result<(), Error> {
    let check = move |conn: &Connection| crons::check_call(conn, &ask.call);
    engine.store().read(check).await
}

pub async fn list_zones(_: &Engine, _: wire::ListZones) -> Result<wire::ZonesView, Error> {
    Ok(crons::schedule::zones())
}

pub async fn save_cron(engine: &Engine, ask: wire::SaveCron) -> Result<wire::CronId, Error> {
    crons::save(engine, ask).await
}

pub async fn pause_cron(engine: &Engine, ask: wire::PauseCron) -> Result<(), Error> {
    crons::pause(engine, ask.id).await
}

pub async fn resume_cron(engine: &Engine, ask: wire::ResumeCron) -> Result<(), Error> {
    crons::resume(engine, ask.id).await
}

pub async fn resume_crons(engine: &Engine, ask: wire::ResumeCrons) -> Result<wire::Resumed, Error> {
    crons::resume_all(engine, ask.integration).await
}

pub async fn run_cron(engine: &Engine, ask: wire::RunCron) -> Result<(), Error> {
    crons::run_now(engine, ask.id).await
}

pub async fn delete_cron(engine: &Engine, ask: wire::DeleteCron) -> Result<(), Error> {
    crons::delete(engine, ask.id).await
}

pub async fn restore_cron(engine: &Engine, ask: wire::RestoreCron) -> Result<(), Error> {
    crons::restore(engine, ask.id).await
}

pub async fn list_notices(engine: &Engine, _: wire::ListNotices) -> Result<Vec<NoticeView>, Error> {
    notices::list(engine).await
}

pub async fn mark_notice_seen(engine: &Engine, ask: wire::MarkNoticeSeen) -> Result<(), Error> {
    notices::see(engine, ask.id).await
}

pub async fn snooze_notice(engine: &Engine, ask: wire::SnoozeNotice) -> Result<(), Error> {
    notices::snooze(engine, ask.id, ask.hours).await
}

pub async fn take_errand(
    engine: &Engine,
    _: wire::TakeErrand,
) -> Result<Option<wire::Errand>, Error> {
    Ok(engine.outbox().take_errand())
}

pub async fn get_channels(engine: &Engine, _: wire::GetChannels) -> Result<ChannelsView, Error> {
    notices::slack::view(engine).await
}

pub async fn save_slack_channel(engine: &Engine, ask: wire::SaveSlackChannel) -> Result<(), Error> {
    notices::slack::save(engine, ask.slack).await
}

pub async fn test_slack_channel(
    engine: &Engine,
    _: wire::TestSlackChannel,
) -> Result<Vec<SlackTested>, Error> {
    notices::slack::test(engine).await
}

pub async fn get_background(
    engine: &Engine,
    _: wire::GetBackground,
) -> Result<BackgroundView, Error> {
    Ok(background::view(engine))
}

pub async fn set_start_at_login(engine: &Engine, ask: wire::SetStartAtLogin) -> Result<(), Error> {
    background::start_at_login(engine, ask.on)
}

pub async fn pause_checks(engine: &Engine, ask: wire::PauseChecks) -> Result<(), Error> {
    background::pause(engine, ask.hours).await
}

pub async fn go_on(engine: &Engine, _: wire::GoOn) -> Result<(), Error> {
    came_back::go_on(engine).await
}

pub async fn minimise_window(engine: &Engine, _: wire::MinimiseWindow) -> Result<(), Error> {
    engine.desk().lower();
    Ok(())
}

pub async fn quit_app(engine: &Engine, _: wire::QuitApp) -> Result<(), Error> {
    engine.desk().quit();
    Ok(())
}

pub async fn get_settings(engine: &Engine, _: wire::GetSettings) -> Result<Settings, Error> {
    settings::get(engine).await
}

pub async fn save_settings(engine: &Engine, ask: wire::SaveSettings) -> Result<(), Error> {
    settings::save(engine, ask.settings).await
}

pub async fn get_app(engine: &Engine, _: wire::GetApp) -> Result<AppView, Error> {
    settings::app(engine).await
}

pub async fn unlock_keyring(engine: &Engine, _: wire::UnlockKeyring) -> Result<KeyringView, Error> {
    let state = engine.vault().unlock().await;
    // What waited for it.
    engine.crons().wake();
    engine.store().announce([Topic::App, Topic::Integrations]);
    Ok(state)
}

pub async fn use_session_only(
    engine: &Engine,
    _: wire::UseSessionOnly,
) -> Result<KeyringView, Error> {
    Ok(engine.vault().use_session_only())
}

pub async fn inspect_openapi(
    engine: &Engine,
    ask: wire::InspectOpenapi,
) -> Result<DocumentView, Error> {
    documents::inspect(engine, ask.source, ask.integration, ask.confirmed).await
}

pub async fn import_again(engine: &Engine, ask: wire::ImportAgain) -> Result<ToolChanges, Error> {
    documents::import_again(engine, ask.id, ask.document).await
}

macro_rules! dispatch {
    ($($name:ident: $request:ident => $reply:ty),* $(,)?) => {
        /// Answers the command named `name`, with its request and reply as JSON: for transports that
        /// carry text. Errors: the command's own, or `FieldInvalid` for a request that cannot be read.
        pub async fn answer(engine: &Engine, name: &str, request: serde_json::Value) -> Result<serde_json::Value, Error> {
            match name {
                $(stringify!($name) => {
                    let request: wire::$request = serde_json::from_value(request).map_err(unreadable)?;
                    let reply: $reply = $name(engine, request).await?;
                    serde_json::to_value(reply).map_err(unreadable)
                })*
                _ => Err(Error::new(ErrorCode::FieldInvalid).with("field", "command").with("why", "there is none of that name")),
            }
        }
    };
}
wire::commands!(dispatch);

fn unreadable(error: serde_json::Error) -> Error {
    // The line and column only: serde's message may repeat the value.
    let why = format!("{:?} at column {}", error.classify(), error.column());
    let wrong = Error::new(ErrorCode::FieldInvalid).with("field", "request");
    wrong.with("why", why)
}
