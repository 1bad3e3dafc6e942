//! Single fields of what was typed.

use super::invalid;
use crate::secret::Secret;
use wire::{Error, ErrorCode, SecretInput};

pub(super) fn secret(input: &SecretInput, field: &str) -> Result<Secret, Error> {
    if input.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", field));
    }
    if input.reveal().chars().any(char::is_control) {
        return Err(invalid(
            field,
            "it holds a line break or another control character",
        ));
    }
    Ok(Secret::from(input))
}

/// A header's name that may carry a key (RFC 9110 section 5.1), none that HTTP itself needs.
pub(super) fn header(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Header name"));
    }
    let parsed = http::HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid("Header name", "it may hold letters, digits and dashes only"))?;
    const RESERVED: [&str; 8] = [
        "host",
        "content-length",
        "content-type",
        "connection",
        "transfer-encoding",
        "accept",
        "cookie",
        "upgrade",
    ];
    if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("mcp-") {
        return Err(invalid(
            "Header name",
            "it is one that requests need for themselves",
        ));
    }
    Ok(name.to_owned())
}

pub(super) fn parameter(name: &str) -> Result<String, Error> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::new(ErrorCode::FieldEmpty).with("field", "Parameter name"));
    }
    if name
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "&=#?".contains(c))
    {
        return Err(invalid(
            "Parameter name",
            "it must not hold spaces or any of & = # ?",
        ));
    }
    Ok(name.to_owned())
}

pub(super) fn path(text: &str) -> Result<String, Error> {
    let text = text.trim();
    if text.is_empty() || text.starts_with('/') && !text.starts_with("//") {
        return Ok(text.to_owned());
    }
    if text.contains("://") || text.starts_with("//") {
        return Err(invalid(
            "Health path",
            "it must be a path below the base URL, such as /health",
        ));
    }
    Ok(format!("/{text}"))
}
