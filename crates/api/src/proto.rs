//! The query APIs' messages, as `cargo xtask proto` made them.

#![expect(
    unreachable_pub,
    unused_qualifications,
    clippy::allow_attributes_without_reason,
    reason = "generated; the .proto files speak"
)]

pub(crate) mod api_v2 {
    include!("proto/jaeger_api_v2.rs");
}

pub(crate) mod api_v3 {
    include!("proto/jaeger_api_v3.rs");
}

pub(crate) mod expression {
    pub(crate) mod v1 {
        include!("proto/jaeger_expression_v1.rs");
    }
}

/// All services and messages, for reflection.
pub(crate) const DESCRIPTORS: &[u8] = include_bytes!("proto/query.binpb");
