//! To be filled beside the code.
