//! How a peer is shown in an input's items.

use std::net::SocketAddr;

use super::MemberId;

/// Makes items of records and where they came from.
pub(crate) trait Tag<T> {
    /// The items.
    type Item;
    /// Makes an item.
    fn tag(record: T, address: SocketAddr, member: MemberId) -> Self::Item;
}

/// Not at all: items are `T`.
#[derive(Debug)]
pub(crate) struct Plain;

impl<T> Tag<T> for Plain {
    type Item = T;
    #[inline]
    fn tag(record: T, _address: SocketAddr, _member: MemberId) -> T {
        record
    }
}

/// By address: items are `(T, SocketAddr)`.
#[derive(Debug)]
pub(crate) struct WithAddress;

impl<T> Tag<T> for WithAddress {
    type Item = (T, SocketAddr);
    #[inline]
    fn tag(record: T, address: SocketAddr, _member: MemberId) -> Self::Item {
        (record, address)
    }
}

/// By member: items are `(T, MemberId)`.
#[derive(Debug)]
pub(crate) struct WithMember;

impl<T> Tag<T> for WithMember {
    type Item = (T, MemberId);
    #[inline]
    fn tag(record: T, _address: SocketAddr, member: MemberId) -> Self::Item {
        (record, member)
    }
}
