//! What Test tried and what came back.

use super::card::status_name;
use crate::{
    icons::{Icon, icon},
    inert::inert,
    say::{say, say_error},
    time::{ago_now, took},
};
use wire::TestReport;
use yew::prelude::*;

/// The report, said aloud when it comes, and whom it tells that it was read.
pub fn report(report: &TestReport, dismiss: &Callback<()>) -> Html {
    let (ink, picture, title) = match report.error {
        None => ("ok-ink", Icon::Healthy, "test-went-well"),
        Some(_) => ("bad-ink", Icon::Failing, "test-failed"),
    };
    let dismiss = dismiss.reform(|_: MouseEvent| ());
    html! {
        <section class="panel report" role="status" data-testid="test-report"
            data-ok={report.error.is_none().to_string()}
            data-status={status_name(report.health.status)}>
            <span class={ink}>{ icon(picture) }</span>
            <div class="grow">
                <b>{ say(title) }</b>
                if let Some(error) = &report.error { <p>{ say_error(error) }</p> }
                <dl>
                    <dt>{ say("test-tried") }</dt><dd class="mono">{ inert(&report.tried) }</dd>
                    <dt>{ say("test-answer") }</dt>
                    <dd>
                        if report.answer.is_empty() { { say("test-nothing") } } else { { inert(&report.answer) } }
                        <span class="sub">{ " · " }{ took(report.took_ms) }{ " · " }{ ago_now(report.at) }</span>
                    </dd>
                </dl>
            </div>
            <button type="button" class="quiet icon" aria-label={say("dismiss")} onclick={dismiss}>
                { icon(Icon::Close) }
            </button>
        </section>
    }
}
