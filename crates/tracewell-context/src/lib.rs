//! Ids and trace context, shared by the server and the SDK.

#![forbid(unsafe_code)]
