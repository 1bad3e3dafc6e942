//! What the rings share: the test host, the real peers, and chance that comes back.

pub mod conformance;
pub mod home;
pub mod host;
pub mod peers;
pub mod random;
pub mod rows;
pub mod wave;
