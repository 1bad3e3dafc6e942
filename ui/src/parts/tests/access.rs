//! What a tool was refused for.

use super::*;

#[test]
fn a_tool_that_was_refused_says_what_it_lacks_and_offers_the_one_thing_to_do() {
    let shown = |scopes: &[&str], remedy| {
        let mut tool = tool("refund", wire::Risk::Writes);
        tool.lacks = Some(wire::LackView {
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            remedy,
        });
        let props = tools::ToolsProps {
            tools: Rc::new(vec![]),
            slug: "orders".into(),
            search: "".into(),
            agents: Rc::new(vec![]),
            on_policy: Callback::noop(),
            on_access: Callback::noop(),
        };
        rendered(tools::show(&tool, &props))
    };
    let asks = shown(&["refunds:write"], wire::Remedy::SignIn);
    assert!(asks.contains("Needs access") && asks.contains("refunds:write"));
    assert!(asks.contains("Request access"), "{asks}");
    let key = shown(&[], wire::Remedy::Key);
    assert!(key.contains("did not name") && !key.contains("Request access"));
    let owner = shown(&["refunds:write"], wire::Remedy::Owner);
    assert!(owner.contains("owner of the account") && !owner.contains("Request access"));
}
