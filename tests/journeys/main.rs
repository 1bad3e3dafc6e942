//! Journeys: what an admin and an agent do, on the whole engine, against real servers and against
//! scripted ones on real sockets. Each has a data folder of its own and ports of its own, so all run
//! at once. Time is a [`engine::fakes::FakeClock`] wherever it matters; nothing waits for a timer.

mod kit;

mod activity;
mod addresses;
mod api;
mod api_sign_in;
mod approvals;
mod arguments;
mod attempts;
mod authorities;
mod bodies;
mod callbacks;
mod clients;
mod cold_links;
mod collector;
mod command_line;
mod crons;
mod destruction;
mod device;
mod disks;
mod doors;
mod ends;
mod every_way;
mod floods;
mod forged;
mod gateway;
mod headers;
mod hosted;
mod in_flight;
mod keys;
mod killed;
mod lost_answers;
mod news;
mod offline;
mod open_servers;
mod openapi;
mod pains;
mod policy;
mod portals;
mod proofs;
mod providers;
mod reconnect;
mod record;
mod refreshing;
mod restart;
mod sample;
mod secrecy;
mod siege;
mod sign_in;
mod step_up;
mod suite;
mod tasks;
mod waking;
mod ways;
