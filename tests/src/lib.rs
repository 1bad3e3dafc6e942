//! What the rings share: the test host and the real peers.

pub mod conformance;
pub mod host;
pub mod peers;
pub mod wave;
