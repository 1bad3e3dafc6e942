//! The protocol: what an agent is listed, and how its call becomes one of the engine's.

use crate::{
    Inside, crons, names, news, progress, schema, search,
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
    store::tools::ToolRow,
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

/// A tool as an agent is told of it.
pub(crate) struct Described {
    /// Its name on the wire.
    pub name: String,
    /// Its integration's name.
    pub of: String,
    pub row: ToolRow,
}

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
        let mut told = if all.are_many {
            search::tools()
        } else {
            let listed = all.tools.into_iter().filter(|tool| tool.listed);
            let described = self.described(asker, listed.collect()).await?;
            described.iter().map(Described::told).collect()
        };
        if let (Value::Array(told), None) = (&mut told, &asker.only) {
            told.extend(crons::tools());
        }
        serde_json::from_value(told)
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
        // The two that stand for all, where they do. (They cannot be a tool's name: no integration's slug
        // is theirs.)
        let stands = asker.only.is_none() && [search::FIND, search::CALL].contains(&name.as_str());
        let many = if stands {
            Some(self.tools(asker).await?).filter(|all| all.are_many)
        } else {
            None
        };
        let is_many = many.is_some();
        if let Some(all) = many.filter(|_| name == search::FIND) {
            let query = arguments
                .get("query")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let listed = all.tools.into_iter().filter(|tool| tool.listed).collect();
            let described = self.described(asker, listed).await?;
            let found = search::find(&described, query);
            let text = found
                .into_iter()
                .map(Described::told)
                .collect::<Value>()
                .to_string();
            return Ok(json!({ "content": [{ "type": "text", "text": text }] }));
        }
        let (name, arguments) = if is_many && name == search::CALL {
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
}

fn on_the_wire(asker: &Asker, tool: &Offered) -> String {
    let prefix = match asker.only {
        Some(_) => "",
        None => &tool.slug,
    };
    names::on_the_wire(prefix, &tool.tool)
}

impl Described {
    /// As MCP describes a tool. The description says whose it is: to a model, many servers are one list.
    fn told(&self) -> Value {
        let row = &self.row;
        let input: Value = serde_json::from_str(&row.input_schema_json)
            .unwrap_or_else(|_| json!({ "type": "object" }));
        let mut told = json!({
            "name": self.name,
            "description": format!("[{}] {}", self.of, row.description),
            "inputSchema": schema::schema(input),
        });
        if let Some(title) = &row.title {
            told["title"] = json!(title);
        }
        if let Ok(hints @ Value::Object(_)) = serde_json::from_str(&row.annotations_json) {
            told["annotations"] = schema::hints(hints);
        }
        if let Some(output) = self.output() {
            told["outputSchema"] = schema::schema(output);
        }
        told
    }
}

impl Described {
    /// What its server promises of results, as it was taken. Clients of the older era refuse a whole list
    /// for one that is not an object's.
    fn output(&self) -> Option<Value> {
        const NAME: &str = "outputSchema";
        let told = self.row.told.as_deref()?;
        let told = told.contains(NAME).then(|| serde_json::from_str(told));
        let output = told?
            .ok()
            .and_then(|mut told: Value| Some(told.get_mut(NAME)?.take()));
        output.filter(|schema| schema["type"] == "object")
    }
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
