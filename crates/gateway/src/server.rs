//! The protocol: what an agent is listed, and how its call becomes one of the engine's.

use crate::{
    Inside, crons,
    described::Described,
    names, news, progress, search,
    seat::{Asker, Seat},
    task,
};
use engine::{
    agents::{
        self, Listing, Offered, Origin, Which,
        knocks::{self, Knock},
    },
    connectors::Caller,
    finish::to_the_end,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, CustomNotification,
        Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, RequestMetaObject,
        ResultType, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{NotificationContext, RequestContext, SubscriptionContext},
};
use serde_json::{Value, json};
use std::sync::Arc;
use wire::{DOOR_TOO_LONG, Error, ErrorCode};

pub(crate) struct Server {
    inside: Inside,
    /// Through the user's own door: who sits at its other end. Over HTTP each request says it anew.
    seat: Option<Arc<Seat>>,
}

impl Server {
    pub fn new(inside: Inside, seat: Option<Arc<Seat>>) -> Self {
        Self { inside, seat }
    }

    /// Every tool of what the agent may use, those of failing integrations among them: they are not
    /// listed, but named when they are called all the same.
    async fn tools(&self, asker: &Asker) -> Result<Listing, Error> {
        let which = match &asker.only {
            Some(slug) => Which::Of { slug: slug.clone() },
            None => Which::All,
        };
        agents::tools(&self.inside.engine, &asker.agent, which).await
    }

    /// The tool of that name on the wire, which says whose it is.
    fn find(&self, asker: &Asker, name: &str) -> Result<Option<Offered>, Error> {
        let alone = asker.only.as_deref().map(|slug| (slug, name));
        // (Longer ones are nobody's: what is looked up is kept in memory.)
        let named = alone.or_else(|| names::read(name));
        let Some((slug, tool)) = named.filter(|_| name.len() <= names::MAX) else {
            return Ok(None);
        };
        let (engine, agent) = (&self.inside.engine, &asker.agent);
        let is = |tool: &Offered| on_the_wire(asker, tool) == name;
        let found = agents::tool(engine, agent, (slug, tool))?.filter(is);
        if found.is_some() || !names::may_be_changed(name) {
            return Ok(found);
        }
        agents::renamed(engine, agent, (slug, name, alone.is_some()), is)
    }

    /// What the servers tell of these tools, under their names on the wire.
    async fn described(&self, asker: &Asker, tools: Vec<Offered>) -> Result<Vec<Described>, Error> {
        Ok(agents::described(&self.inside.engine, tools)
            .await?
            .into_iter()
            .map(|(offered, row)| Described {
                name: on_the_wire(asker, &offered),
                of: offered.name,
                row,
            })
            .collect())
    }

    async fn listed(&self, asker: &Asker) -> Result<Vec<Tool>, Error> {
        let all = self.tools(asker).await?;
        let mut told = Vec::new();
        let mut unlisted = all.are_many;
        if !all.are_many {
            let listed = all.tools.into_iter().filter(|tool| tool.listed);
            let described = self.described(asker, listed.collect()).await?;
            let schemas = self.inside.shown.of(&described).await;
            for (tool, schemas) in described.iter().zip(&schemas) {
                match &asker.only {
                    Some(_) => told.push(tool.listed_alone(schemas)),
                    None => {
                        let as_listed = tool.listed(schemas);
                        unlisted |= as_listed.is_none();
                        told.extend(as_listed);
                    }
                }
            }
        }
        if unlisted {
            told.extend(search::tools());
        }
        if asker.only.is_none() {
            told.extend(crons::tools());
        }
        serde_json::from_value(Value::Array(told))
            .map_err(|error| Error::new(ErrorCode::Internal).with("why", error.to_string()))
    }

    async fn called(
        &self,
        asker: &Asker,
        (name, arguments): (String, Value),
        from: Origin,
        caller: Caller,
    ) -> Result<Value, Error> {
        if asker.only.is_none() && crons::is_own(&name) {
            return crons::call(&self.inside.engine, &asker.agent, &name, &arguments).await;
        }
        // The two that stand for all are answered also where all are listed: an agent may go by the list of
        // before. (They cannot be a tool's name: no integration's slug is theirs.)
        let stands = asker.only.is_none();
        if stands && name == search::FIND {
            return self.searched(asker, &arguments).await;
        }
        let (name, arguments) = if stands && name == search::CALL {
            let inner = arguments
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let given = arguments
                .get("arguments")
                .cloned()
                .unwrap_or_else(|| json!({}));
            (inner.to_owned(), given)
        } else {
            (name, arguments)
        };
        let agent = &asker.agent;
        match self.find(asker, &name)? {
            Some(offered) => {
                // Where the agent hangs up, this future is dropped: the call is cancelled then, and
                // goes on until its outcome is written down.
                let _hung_up = caller.hung_up.clone().drop_guard();
                // (Its turn is taken until then.)
                let (engine, asker) = (self.inside.engine.clone(), asker.clone());
                to_the_end(async move {
                    agents::call(&engine, &asker.agent, &offered, arguments, from, caller).await
                })
                .await
            }
            None => agents::unknown_tool(&self.inside.engine, agent, &name, &from.because).await,
        }
    }

    async fn searched(&self, asker: &Asker, arguments: &Value) -> Result<Value, Error> {
        let query = arguments["query"].as_str().unwrap_or_default();
        let all = self.tools(asker).await?.tools.into_iter();
        let listed = all.filter(|tool| tool.listed).collect();
        let described = self.described(asker, listed).await?;
        let text = search::answer(&described, query).to_string();
        Ok(json!({ "content": [{ "type": "text", "text": text }] }))
    }
}

fn on_the_wire(asker: &Asker, tool: &Offered) -> String {
    let prefix = match asker.only {
        Some(_) => "",
        None => &tool.slug,
    };
    names::on_the_wire(prefix, &tool.tool)
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let can = ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .build();
        ServerConfig::new(can)
            .with_server_info(Implementation::new("Chief", env!("CARGO_PKG_VERSION")))
            .with_instructions(
                "The company's integrations. Each tool's name begins with its integration. Name the \
                 Slack thread that you work for in _meta: \
                 {\"app.chief.integrations/thread\": {\"url\": …, \"title\": …}}.",
            )
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let asker = self.asker(&context).await?;
        let tools = self
            .listed(&asker)
            .await
            .map_err(|error| protocol(&error))?;
        Ok(ListToolsResult {
            tools,
            // What one agent has is nobody else's.
            ttl_ms: Some(0),
            ..ListToolsResult::default()
        })
    }

    /// An agent of the older era at the user's own door is told unasked, until it goes.
    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        let Some(seat) = &self.seat else {
            return;
        };
        let asker = match seat.asker(&self.inside).await {
            Ok(asker) => asker,
            // Its next request is told why.
            Err(_) => return,
        };
        let (inside, peer, gone) = (self.inside.clone(), context.peer, seat.gone.clone());
        tokio::spawn(async move {
            let Ok(mut watch) = news::watch(&inside, &asker).await else {
                return;
            };
            drop(asker);
            loop {
                tokio::select! {
                    () = gone.cancelled() => return,
                    changed = watch.changed() => {
                        if !changed || peer.notify_tool_list_changed().await.is_err() {
                            return;
                        }
                    }
                }
            }
        });
    }

    /// The bridge tells what it refused by itself.
    async fn on_custom_notification(
        &self,
        told: CustomNotification,
        _: NotificationContext<RoleServer>,
    ) {
        let Some(seat) = self.seat.as_ref().filter(|_| told.method == DOOR_TOO_LONG) else {
            return;
        };
        if let Ok(asker) = seat.asker(&self.inside).await {
            knocks::turned_away(&self.inside.engine, Some(&asker.agent), Knock::TooLarge).await;
        }
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        let ours = SubscriptionFilter::builder().tools_list_changed().build();
        Some(requested.intersection(&ours))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let asker = self.asker(context.request_context()).await?;
        let watch = news::watch(&self.inside, &asker).await;
        let mut watch = watch.map_err(|error| protocol(&error))?;
        loop {
            tokio::select! {
                () = context.cancelled() => return Ok(()),
                changed = watch.changed() => {
                    if !changed || context.sink().notify_tool_list_changed().await.is_err() {
                        return Ok(());
                    }
                }
            }
        }
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let asker = self.asker(&context).await?;
        let headers = match &self.seat {
            Some(seat) => Some(&seat.headers),
            None => parts(&context).map(|parts| &parts.headers),
        };
        let wanted = (
            request.name.into_owned(),
            request.arguments.unwrap_or_default(),
        );
        let hung_up = context.ct.child_token();
        let whose = (asker.agent.id, asker.session.clone(), context.id.clone());
        let _listed = self
            .seat
            .is_none()
            .then(|| self.inside.running.add(whose, hung_up.clone()));
        let (caller, news) = progress::caller(hung_up, context.meta.get_progress_token());
        let answer = self.call((&asker, headers), wanted, &context.meta, caller);
        let answer = progress::until(&context.peer, news, answer).await;
        // rmcp leaves out again what agents of the older era do not know.
        Ok(Self::told(answer)?.into())
    }
}

impl Server {
    /// A call of a tool by its name on the wire, however it came.
    pub async fn call(
        &self,
        (asker, headers): (&Asker, Option<&http::HeaderMap>),
        (name, arguments): (String, JsonObject),
        meta: &RequestMetaObject,
        caller: Caller,
    ) -> Result<Value, Error> {
        let from = Origin {
            because: task::because(&asker.agent, meta, headers),
            session: asker.session.clone().filter(|_| !task::is_modern(meta)),
        };
        self.called(asker, (name, Value::Object(arguments)), from, caller)
            .await
    }

    /// The answer to a call, as the newer era tells it.
    pub fn told(answer: Result<Value, Error>) -> Result<CallToolResult, ErrorData> {
        let told = match answer {
            Ok(result) => result,
            // A model reads why, and what to do; a protocol error would hide it from it.
            Err(error) if error.code != ErrorCode::ToolUnknown => failed(&error),
            Err(error) => return Err(protocol(&error)),
        };
        let mut result: CallToolResult = serde_json::from_value(told).map_err(|error| {
            ErrorData::internal_error(format!("the tool's answer: {error}"), None)
        })?;
        // Whatever era the answer came from.
        result.result_type = Some(ResultType::COMPLETE);
        Ok(result)
    }

    /// Who asks: over HTTP the guard has let it in; through the user's own door it is looked up anew,
    /// since its token may have been refused meanwhile.
    async fn asker(&self, context: &RequestContext<RoleServer>) -> Result<Asker, ErrorData> {
        match &self.seat {
            Some(seat) => seat
                .asker(&self.inside)
                .await
                .map_err(|error| protocol(&error)),
            None => parts(context)
                .and_then(|parts| parts.extensions.get::<Asker>())
                .cloned()
                .ok_or_else(|| ErrorData::internal_error("nobody asked", None)),
        }
    }
}

/// The HTTP request, where there is one.
fn parts(context: &RequestContext<RoleServer>) -> Option<&http::request::Parts> {
    context.extensions.get::<http::request::Parts>()
}

/// The tool's own failure, as MCP tells it: the sentence, and the code for programs.
fn failed(error: &Error) -> Value {
    json!({
        "content": [{ "type": "text", "text": words::error(error) }],
        "isError": true,
        "_meta": { "app.chief.integrations/error": { "code": error.code, "args": error.args } },
    })
}

fn protocol(error: &Error) -> ErrorData {
    let data = json!({ "code": error.code, "args": error.args });
    if error.code == ErrorCode::ToolUnknown {
        ErrorData::invalid_params(words::error(error), Some(data))
    } else {
        ErrorData::internal_error(words::error(error), Some(data))
    }
}
