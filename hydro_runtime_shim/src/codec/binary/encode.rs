//! The writing half of the compact encoding.

use serde::Serialize;
use serde::ser::{self, Serializer};

use super::super::CodecError;

/// Appends one value to a buffer.
pub(super) struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// Returns an encoder that appends to `out`.
    #[inline]
    pub(super) fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    #[inline]
    fn variant(&mut self, index: u32) {
        self.out.extend_from_slice(&index.to_le_bytes());
    }
}

/// The elements of a sequence or a map. An iterator that does not know its length gets it filled in at the end.
pub(super) struct Elements<'a> {
    out: &'a mut Vec<u8>,
    /// Where the length is to be filled in.
    unknown: Option<usize>,
    count: u64,
}

impl<'a> Elements<'a> {
    #[inline]
    fn begin(out: &'a mut Vec<u8>, length: Option<usize>) -> Self {
        let unknown = if length.is_none() { Some(out.len()) } else { None };
        out.extend_from_slice(&(length.unwrap_or(0) as u64).to_le_bytes());
        Self { out, unknown, count: 0 }
    }

    #[inline]
    fn add<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), CodecError> {
        self.count += 1;
        value.serialize(Encoder::new(self.out))
    }

    #[inline]
    fn finish(self) -> Result<(), CodecError> {
        if let Some(at) = self.unknown {
            self.out[at..at + 8].copy_from_slice(&self.count.to_le_bytes());
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),* $(,)?) => { $(
        #[inline]
        fn $method(self, value: $type) -> Result<(), CodecError> {
            self.out.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }
    )* };
}

impl<'a> Serializer for Encoder<'a> {
    type Ok = ();
    type Error = CodecError;
    type SerializeSeq = Elements<'a>;
    type SerializeMap = Elements<'a>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64,
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), CodecError> {
        self.out.push(u8::from(value));
        Ok(())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), CodecError> {
        self.out.extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), CodecError> {
        self.serialize_bytes(value.as_bytes())
    }

    #[inline]
    fn serialize_bytes(self, value: &[u8]) -> Result<(), CodecError> {
        self.out.reserve(value.len() + 8);
        self.out.extend_from_slice(&(value.len() as u64).to_le_bytes());
        self.out.extend_from_slice(value);
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<(), CodecError> {
        self.out.push(0);
        Ok(())
    }

    #[inline]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), CodecError> {
        self.out.push(1);
        value.serialize(self)
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), CodecError> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), CodecError> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        mut self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
    ) -> Result<(), CodecError> {
        self.variant(index);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _name: &'static str, value: &T) -> Result<(), CodecError> {
        value.serialize(self)
    }

    #[inline]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        mut self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), CodecError> {
        self.variant(index);
        value.serialize(self)
    }

    #[inline]
    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'a>, CodecError> {
        Ok(Elements::begin(self.out, length))
    }

    #[inline]
    fn serialize_map(self, length: Option<usize>) -> Result<Elements<'a>, CodecError> {
        Ok(Elements::begin(self.out, length))
    }

    #[inline]
    fn serialize_tuple(self, _length: usize) -> Result<Self, CodecError> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self, CodecError> {
        Ok(self)
    }

    #[inline]
    fn serialize_tuple_variant(
        mut self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, CodecError> {
        self.variant(index);
        Ok(self)
    }

    #[inline]
    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self, CodecError> {
        Ok(self)
    }

    #[inline]
    fn serialize_struct_variant(
        mut self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self, CodecError> {
        self.variant(index);
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

impl ser::SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), CodecError> {
        self.add(value)
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        self.finish()
    }
}

impl ser::SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = CodecError;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), CodecError> {
        self.add(key)
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), CodecError> {
        value.serialize(Encoder::new(self.out))
    }

    #[inline]
    fn end(self) -> Result<(), CodecError> {
        self.finish()
    }
}

/// Fields whose number both ends know: nothing but the values is written.
macro_rules! fixed {
    ($($trait:ident: $method:ident ($($name:ident: $type:ty)?)),* $(,)?) => { $(
        impl ser::$trait for Encoder<'_> {
            type Ok = ();
            type Error = CodecError;

            #[inline]
            fn $method<T: ?Sized + Serialize>(&mut self, $($name: $type,)? value: &T) -> Result<(), CodecError> {
                value.serialize(Encoder::new(self.out))
            }

            #[inline]
            fn end(self) -> Result<(), CodecError> {
                Ok(())
            }
        }
    )* };
}

fixed! {
    SerializeTuple: serialize_element (),
    SerializeTupleStruct: serialize_field (),
    SerializeTupleVariant: serialize_field (),
    SerializeStruct: serialize_field (_name: &'static str),
    SerializeStructVariant: serialize_field (_name: &'static str),
}
