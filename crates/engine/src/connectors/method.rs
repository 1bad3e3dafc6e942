//! Names by which some servers take a request for another method's: what reads or changes would not stay that.
//!
//! Owns: those names, in headers, queries and bodies. Must not know: what follows from one.

use serde_json::Value;

/// Laravel, Symfony and Rails; Firebase, Google and others; OData; older ASP.NET. In lower case.
const NAMES: [&str; 6] = [
    "_method",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "_httpmethod",
    "$httpmethod",
];

/// Whether a header, or a member of a query or a body, tells the method.
pub(super) fn is_method(name: &str) -> bool {
    // PHP takes `.` and a blank for `_`, leaves out those at the start, and reads `name[]` as `name`.
    let name = name.trim().to_ascii_lowercase().replace(['.', ' '], "_");
    let name = name.split('[').next().unwrap_or_default();
    NAMES.contains(&name)
}

/// Whether the arguments of a call hold such a name: in the query, also that of the path, or in the body.
pub(crate) fn names_a_method(arguments: &Value) -> bool {
    let parts = arguments.as_object().into_iter().flatten();
    let told = parts.filter_map(|(_, part)| part.as_object());
    let in_path = arguments
        .get("path")
        .and_then(Value::as_str)
        .and_then(|path| path.split_once('?'))
        // Some servers part a query at `;`, too.
        .map(|(_, query)| query.replace(';', "&"));
    told.flatten().any(|(name, _)| is_method(name))
        || in_path.is_some_and(|query| {
            url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| is_method(&name))
        })
}
