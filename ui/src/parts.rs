//! Parts: props → Html. They fetch nothing and decide nothing.

pub mod banner;
pub mod card;
pub mod crons;
pub mod dialog;
pub mod field;
pub mod gallery;
pub mod held;
pub mod lack;
pub mod menu;
pub mod more;
pub mod need;
pub mod pill;
pub mod policy;
pub mod provider;
pub mod rows;
pub mod scopes;
pub mod states;
pub mod strip;
pub mod tabs;
pub mod test_report;
pub mod tile;
pub mod toast;
pub mod tools;
pub mod waiting;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
