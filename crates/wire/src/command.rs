use crate::{
    ActivityFilter, AgentId, Answer, AppOwner, ApprovalId, AttemptId, CallId, Choice, ChosenTools,
    Client, ClientAuth, Confirmed, CronCall, CronId, CronInput, Cursor, DocumentId, DocumentSource,
    ExportForm, ExportId, IntegrationId, NoticeId, RecordSettings, SecretInput, SeenTool, Settings,
    SlackChannel, Target, TaskId, Time,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// A request that the engine answers. On wasm it can also be written, for sending.
#[cfg(not(target_arch = "wasm32"))]
pub trait Command: DeserializeOwned + Send + 'static {
    type Reply: Serialize + DeserializeOwned + Send + 'static;
    /// Its name on every transport: snake case, also Tauri's command name.
    const NAME: &'static str;
}

/// A request that the engine answers. On wasm it can also be written, for sending.
#[cfg(target_arch = "wasm32")]
pub trait Command: Serialize + DeserializeOwned + 'static {
    type Reply: Serialize + DeserializeOwned + 'static;
    /// Its name on every transport: snake case, also Tauri's command name.
    const NAME: &'static str;
}

/// The one table of commands: `name: Request => Reply`. Calls `$with!` with all of it, so that the
/// shell, the engine and the test host are made from the same rows.
#[macro_export]
macro_rules! commands {
    ($with:path) => {
        $with! {
            list_integrations: ListIntegrations => Vec<$crate::CardView>,
            get_integration: GetIntegration => $crate::IntegrationView,
            list_tools: ListTools => Vec<$crate::ToolView>,
            list_providers: ListProviders => $crate::CatalogueView,
            start_connect: StartConnect => $crate::AttemptView,
            get_attempt: GetAttempt => $crate::AttemptView,
            answer_attempt: AnswerAttempt => $crate::AttemptView,
            cancel_attempt: CancelAttempt => (),
            open_browser_again: OpenBrowserAgain => (),
            attempt_link: AttemptLink => String,
            reconnect: Reconnect => $crate::AttemptView,
            test_integration: TestIntegration => $crate::TestReport,
            probe_integration: ProbeIntegration => Vec<$crate::ToolView>,
            rename_integration: RenameIntegration => (),
            switch_integration: SwitchIntegration => (),
            set_end: SetEnd => (),
            set_pace: SetPace => (),
            set_bodies: SetBodies => (),
            preview_disconnect: PreviewDisconnect => $crate::DisconnectPreview,
            disconnect: Disconnect => $crate::Disconnected,
            list_activity: ListActivity => $crate::ActivityPage,
            list_past_integrations: ListPastIntegrations => Vec<$crate::PastIntegration>,
            verify_record: VerifyRecord => $crate::RecordProof,
            get_row: GetRow => $crate::RowDetail,
            start_export: StartExport => $crate::ExportView,
            get_export: GetExport => $crate::ExportView,
            cancel_export: CancelExport => (),
            get_record_settings: GetRecordSettings => $crate::RecordSettingsView,
            save_record_settings: SaveRecordSettings => (),
            list_agents: ListAgents => $crate::AgentsView,
            pair_agent: PairAgent => $crate::Paired,
            change_agent: ChangeAgent => (),
            renew_agent: RenewAgent => $crate::Paired,
            revoke_agent: RevokeAgent => (),
            set_policy: SetPolicy => (),
            accept_tools: AcceptTools => (),
            list_approvals: ListApprovals => Vec<$crate::ApprovalView>,
            answer_approval: AnswerApproval => (),
            set_gateway_port: SetGatewayPort => (),
            list_clients: ListClients => Vec<$crate::ClientView>,
            preview_client: PreviewClient => $crate::ClientEdit,
            add_to_client: AddToClient => (),
            undo_client: UndoClient => $crate::ClientUndone,
            list_tasks: ListTasks => Vec<$crate::TaskView>,
            stop_task: StopTask => (),
            resume_task: ResumeTask => (),
            open_task_thread: OpenTaskThread => (),
            list_app_credentials: ListAppCredentials => $crate::AppCredentialsPage,
            save_app_credentials: SaveAppCredentials => (),
            remove_app_credentials: RemoveAppCredentials => (),
            list_crons: ListCrons => Vec<$crate::CronView>,
            check_schedule: CheckSchedule => $crate::ScheduleView,
            check_call: CheckCall => (),
            list_zones: ListZones => $crate::ZonesView,
            save_cron: SaveCron => $crate::CronId,
            pause_cron: PauseCron => (),
            resume_cron: ResumeCron => (),
            resume_crons: ResumeCrons => $crate::Resumed,
            run_cron: RunCron => (),
            delete_cron: DeleteCron => (),
            restore_cron: RestoreCron => (),
            list_notices: ListNotices => Vec<$crate::NoticeView>,
            mark_notice_seen: MarkNoticeSeen => (),
            snooze_notice: SnoozeNotice => (),
            take_errand: TakeErrand => Option<$crate::Errand>,
            get_channels: GetChannels => $crate::ChannelsView,
            save_slack_channel: SaveSlackChannel => (),
            test_slack_channel: TestSlackChannel => Vec<$crate::SlackTested>,
            get_background: GetBackground => $crate::BackgroundView,
            set_start_at_login: SetStartAtLogin => (),
            pause_checks: PauseChecks => (),
            go_on: GoOn => (),
            minimise_window: MinimiseWindow => (),
            quit_app: QuitApp => (),
            open_thread: OpenThread => (),
            get_settings: GetSettings => $crate::Settings,
            save_settings: SaveSettings => (),
            get_app: GetApp => $crate::AppView,
            unlock_keyring: UnlockKeyring => $crate::KeyringView,
            use_session_only: UseSessionOnly => $crate::KeyringView,
            inspect_openapi: InspectOpenapi => $crate::DocumentView,
            import_again: ImportAgain => $crate::ToolChanges,
        }
    };
}

macro_rules! implement {
    ($($name:ident: $request:ident => $reply:ty),* $(,)?) => {
        $(impl Command for $request {
            type Reply = $reply;
            const NAME: &'static str = stringify!($name);
        })*

        /// Every command's name, in the table's order.
        pub const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}
// `$crate` inside the table is this crate, also here.
commands!(implement);

macro_rules! requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Deserialize, PartialEq, Eq)]
        #[cfg_attr(target_arch = "wasm32", derive(Serialize))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type),* }
    )*};
}

requests! {
    /// Every card, failing first, then expiring, then by name.
    ListIntegrations {}
    /// One integration's page.
    GetIntegration { id: IntegrationId }
    /// Its tools, in the server's order.
    ListTools { id: IntegrationId }
    /// The catalogue, read anew: what can be connected, and which manifests were refused.
    ListProviders {}
    /// Begin to connect. Returns at once; follow it with `GetAttempt` on topic `Attempts`.
    StartConnect {
        target: Target,
        confirmed: Confirmed,
        /// When the typed key ends, where the admin knows.
        ends_at: Option<Time>,
    }
    GetAttempt { id: AttemptId }
    /// Answer the attempt's question with yes: of `confirmed` only what is asked just now counts. (No is
    /// `CancelAttempt`.)
    AnswerAttempt { id: AttemptId, confirmed: Confirmed }
    /// Stop it; nothing is left behind. No error where it is over already.
    CancelAttempt { id: AttemptId }
    /// Open the sign-in page in the system's browser once more.
    OpenBrowserAgain { id: AttemptId }
    /// A loopback link that leads to the sign-in page, for another browser on this computer.
    AttemptLink { id: AttemptId }
    /// Sign in again, or take a fresh key. `fresh_key` is required where the credential is a key,
    /// and refused where it is a sign-in. `client_id` and `client_secret`: of a sign-in whose client
    /// the admin typed; empty: as before.
    Reconnect {
        id: IntegrationId,
        fresh_key: Option<SecretInput>,
        confirmed: Confirmed,
        /// When the fresh key ends, where the admin knows.
        ends_at: Option<Time>,
        /// Request access: the tool whose refusal it is for. Errors: `AccessRefused` where three sign-ins
        /// have not brought what it lacks.
        #[serde(default)]
        tool: Option<String>,
        #[serde(default)]
        client_id: String,
        #[serde(default)]
        client_secret: Option<SecretInput>,
    }
    /// Ping now.
    TestIntegration { id: IntegrationId }
    /// List the tools again.
    ProbeIntegration { id: IntegrationId }
    /// 1 to 60 characters; the slug stays.
    RenameIntegration { id: IntegrationId, name: String }
    SwitchIntegration { id: IntegrationId, enabled: bool }
    /// When a pasted key ends, as its provider told the admin; `None`: it has no end that is known.
    SetEnd { id: IntegrationId, ends_at: Option<Time> }
    /// How often it is checked while it is well: minutes, one to a day; `None`: as its provider, or all
    /// others.
    SetPace { id: IntegrationId, minutes: Option<u32> }
    /// For how many days what its calls say is kept beside their rows, secrets hidden; `None`: it is not
    /// kept, and what was goes. 1 to 365.
    SetBodies { id: IntegrationId, days: Option<u32> }
    PreviewDisconnect { id: IntegrationId }
    /// Revoke, destroy the credential for good, end its calls.
    Disconnect { id: IntegrationId }
    /// Newest first; `limit` 1 to 200.
    ListActivity {
        integration: Option<IntegrationId>,
        before: Option<Cursor>,
        limit: u32,
        /// Whether pings are shown among the calls.
        pings: bool,
        /// Which of them.
        #[serde(default)]
        filter: ActivityFilter,
    }
    /// Integrations that are connected no longer and have rows, by name.
    ListPastIntegrations {}
    /// Walks along the whole record and says whether it is what was written. Seconds for millions of
    /// rows.
    VerifyRecord {}
    /// Everything of one row. Errors: `RowUnknown`.
    GetRow { call: CallId }
    /// Writes what a filter finds to a file of its own, newest first; follow it with `GetExport` on topic
    /// `Exports`. `folder`: where; `None`: the user's downloads. Errors: `FieldInvalid`, `StoreUnwritable`.
    StartExport {
        form: ExportForm,
        folder: Option<String>,
        integration: Option<IntegrationId>,
        pings: bool,
        #[serde(default)]
        filter: ActivityFilter,
        /// With what calls said, where that is kept.
        #[serde(default)]
        bodies: bool,
    }
    /// Errors: `ExportUnknown`.
    GetExport { id: ExportId }
    /// Stop it; nothing is left. No error where it is over already.
    CancelExport { id: ExportId }
    GetRecordSettings {}
    /// Errors: `FieldInvalid` names the field.
    SaveRecordSettings { settings: RecordSettings }
    ListAgents {}
    /// A new agent with a token of its own. `name`: 1 to 60 characters. `integrations`: what it may use,
    /// `None` for everything. `tools`: of which of those only some. `days`: how long its token holds, 1 to
    /// 3650; `None` for ever. Refused with `GatewayClosed` while the gateway is not open.
    PairAgent {
        name: String,
        integrations: Option<Vec<IntegrationId>>,
        #[serde(default)]
        tools: Vec<ChosenTools>,
        read_only: bool,
        days: Option<u32>,
    }
    /// What it may use from now on, in the place of what it might. Errors: `FieldEmpty` and
    /// `FieldInvalid` that name the field: `Agent` where it was removed.
    ChangeAgent {
        id: AgentId,
        integrations: Option<Vec<IntegrationId>>,
        #[serde(default)]
        tools: Vec<ChosenTools>,
        read_only: bool,
    }
    /// A new token for an agent that is paired, or whose token has ended; the one of before is refused from
    /// then on, all else stays. `days` and `GatewayClosed` as for a new agent. `FieldInvalid` names the field:
    /// `Agent` where it was removed, `Name` where another one is paired by its name meanwhile.
    RenewAgent { id: AgentId, days: Option<u32> }
    /// From now on its token is refused. Its history stays.
    RevokeAgent { id: AgentId }
    /// What happens when agents call a tool: for one agent, or for all. `choice`: `None` for what holds
    /// by itself.
    SetPolicy {
        id: IntegrationId,
        tool: String,
        agent: Option<AgentId>,
        choice: Option<Choice>,
    }
    /// Lets held tools be used, as they were seen. All or none: `ToolChanged` where one tells something
    /// else by now.
    AcceptTools { id: IntegrationId, tools: Vec<SeenTool> }
    /// Calls that wait for an admin, the oldest first.
    ListApprovals {}
    /// `ApprovalGone` where it waits no longer.
    AnswerApproval { id: ApprovalId, answer: Answer }
    /// The gateway's port, 1024 or more. It moves there at once; where another program has it, the page says
    /// so.
    SetGatewayPort { port: u16 }
    /// The programs on this computer that agents run in, and whose configuration Chief can write.
    ListClients {}
    /// What adding Chief to one would change. Writes nothing.
    PreviewClient { client: Client }
    /// Adds Chief with an agent's token, where the file is still as it was `seen`; a copy of what was there
    /// stays beside it.
    AddToClient { client: Client, token: SecretInput, seen: String }
    /// Puts back what was there; where others have written there since, takes out Chief's entry alone. No
    /// error where nothing was added.
    UndoClient { client: Client }
    /// What agents work at: what runs first, then the newest; at most two hundred.
    ListTasks {}
    /// Ends its calls, and refuses further ones. No error where it is stopped already.
    StopTask { id: TaskId }
    /// An agent may go on with a task that was stopped. No error where none was. Errors: `TaskUnknown`, also for a
    /// cron's run.
    ResumeTask { id: TaskId }
    /// Opens the thread that a task was begun for, in the system's browser. Errors: `ThreadUnknown`,
    /// `BrowserUnavailable`.
    OpenTaskThread { id: TaskId }
    /// The clients that the company registered, and how to register one, provider by provider.
    ListAppCredentials {}
    /// Save a client for one owner, in the place of the one before. Without a secret it is a public
    /// client, whatever `client_auth` says.
    SaveAppCredentials {
        owner: AppOwner,
        client_id: String,
        client_secret: Option<SecretInput>,
        client_auth: ClientAuth,
    }
    /// Remove it for good. What was connected with it goes on as it is.
    RemoveAppCredentials { owner: AppOwner }
    /// Every cron, by name.
    ListCrons {}
    /// What a schedule that is being typed means. Errors name the field: `Schedule` or `Time zone`.
    CheckSchedule { schedule: String, zone: String }
    /// Whether the tool is there and takes these arguments. Errors: why not.
    CheckCall { call: CronCall }
    /// The zones of the tz database, and this computer's own.
    ListZones {}
    /// A new cron, or another form of one. It runs from its next moment on. Errors name the field.
    SaveCron { id: Option<CronId>, cron: CronInput }
    /// No run begins until an admin resumes it. What runs, runs on.
    PauseCron { id: CronId }
    /// Lifts an admin's pause and those of failures. Errors: `CronHeld` while one still fails.
    ResumeCron { id: CronId }
    /// Resumes exactly the crons that this integration's failure paused; an admin's own pause stays.
    /// Those that another failure paused as well go on waiting for that.
    ResumeCrons { integration: IntegrationId }
    /// A run beside the schedule. Errors: `CronRunning`, and why it cannot start.
    RunCron { id: CronId }
    /// It runs no more. It can be restored for a day.
    DeleteCron { id: CronId }
    /// Takes back a deletion.
    RestoreCron { id: CronId }
    /// The inbox: open ones first, then the newest; at most two hundred.
    ListNotices {}
    /// The admin has seen it. No error where it is seen already.
    MarkNoticeSeen { id: NoticeId }
    /// Tell of it again after that many hours (1 to 168; none: now), where it is still open then.
    SnoozeNotice { id: NoticeId, hours: Option<u32> }
    /// Where a pressed notification leads; each is handed out once.
    TakeErrand {}
    /// Where notices go besides this computer.
    GetChannels {}
    /// Errors: `FieldEmpty`, `FieldInvalid`, `IntegrationUnknown`.
    SaveSlackChannel { slack: SlackChannel }
    /// Sends one real message to each admin, as saved. Errors: why none could be sent at all.
    TestSlackChannel {}
    GetBackground {}
    /// Start, without a window, when this person signs in to the computer. Errors: `DesktopRefused`.
    SetStartAtLogin { on: bool }
    /// No scheduled checks for that many hours (1 to 24); `None`: they go on.
    PauseChecks { hours: Option<u32> }
    /// The admin has looked at the data that came back from a backup: agents and crons go on with it.
    GoOn {}
    MinimiseWindow {}
    /// Ends the app, and with it checks, crons and agents' calls.
    QuitApp {}
    /// Opens the thread that a call was made for, as its row names it, in the system's browser. Errors:
    /// `ThreadUnknown`, `BrowserUnavailable`.
    OpenThread { call: CallId }
    GetSettings {}
    SaveSettings { settings: Settings }
    GetApp {}
    /// Ask the system to unlock the keyring (its own prompt), then try again.
    UnlockKeyring {}
    /// Keep credentials in memory until the app ends; nothing is written in their place.
    UseSessionOnly {}
    /// Reads an OpenAPI document and keeps it in memory for the next step; nothing is saved.
    /// `integration`: also tell what importing it again would change there. Of `confirmed` only
    /// `private_address` counts.
    InspectOpenapi {
        source: DocumentSource,
        integration: Option<IntegrationId>,
        confirmed: Confirmed,
    }
    /// Puts the tools of an inspected document in the place of the integration's own.
    ImportAgain { id: IntegrationId, document: DocumentId }
}
