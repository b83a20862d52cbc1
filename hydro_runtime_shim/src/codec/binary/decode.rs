//! The reading half of the compact encoding, which trusts nothing it reads.

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};

use super::super::CodecError;

/// Nesting that is read before the record is refused. A level costs stack, and hostile bytes would otherwise choose its depth; 512 levels
/// fit an 8 MiB stack with room to spare even without optimisation.
const DEPTH_LIMIT: u32 = 512;

/// Elements that may take no bytes at all (`Vec<()>`) in one record: hostile bytes could otherwise ask for 2^64 turns of a loop.
const EMPTY_ELEMENTS_LIMIT: u64 = 1 << 20;

/// Reads values off the front of a slice.
pub(super) struct Decoder<'de> {
    bytes: &'de [u8],
    depth: u32,
    empty_elements: u64,
}

impl<'de> Decoder<'de> {
    /// Returns a decoder of `bytes`.
    #[inline]
    pub(super) fn new(bytes: &'de [u8]) -> Self {
        Self { bytes, depth: 0, empty_elements: EMPTY_ELEMENTS_LIMIT }
    }

    /// Returns what was not read.
    #[inline]
    pub(super) fn rest(self) -> &'de [u8] {
        self.bytes
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'de [u8], CodecError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(CodecError::Truncated)?;
        self.bytes = rest;
        Ok(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(CodecError::Truncated)?;
        self.bytes = rest;
        Ok(*taken)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, CodecError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    #[inline]
    fn length(&mut self) -> Result<u64, CodecError> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    #[inline]
    fn slice(&mut self) -> Result<&'de [u8], CodecError> {
        let length = self.length()?;
        let count = usize::try_from(length).map_err(|_| CodecError::Length(length))?;
        if count > self.bytes.len() {
            return Err(CodecError::Length(length));
        }
        self.take(count)
    }

    #[inline]
    fn text(&mut self) -> Result<&'de str, CodecError> {
        std::str::from_utf8(self.slice()?).map_err(|_| CodecError::Value("UTF-8 text"))
    }

    /// Reads the number of elements that follow. More elements than bytes is a lie, or they take no bytes.
    #[inline]
    fn count(&mut self) -> Result<usize, CodecError> {
        let length = self.length()?;
        let empty = length.saturating_sub(self.bytes.len() as u64);
        self.empty_elements = self.empty_elements.checked_sub(empty).ok_or(CodecError::Length(length))?;
        usize::try_from(length).map_err(|_| CodecError::Length(length))
    }

    /// Runs `read` one level deeper.
    #[inline]
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, CodecError>) -> Result<T, CodecError> {
        if self.depth == DEPTH_LIMIT {
            return Err(CodecError::Depth);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    #[inline]
    fn fields<V: Visitor<'de>>(&mut self, count: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.nested(|decoder| visitor.visit_seq(Elements { decoder, left: count }))
    }
}

macro_rules! numbers {
    ($($method:ident, $visit:ident: $type:ty),* $(,)?) => { $(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
            visitor.$visit(<$type>::from_le_bytes(self.array()?))
        }
    )* };
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = CodecError;

    numbers! {
        deserialize_i8, visit_i8: i8, deserialize_i16, visit_i16: i16, deserialize_i32, visit_i32: i32,
        deserialize_i64, visit_i64: i64, deserialize_i128, visit_i128: i128,
        deserialize_u8, visit_u8: u8, deserialize_u16, visit_u16: u16, deserialize_u32, visit_u32: u32,
        deserialize_u64, visit_u64: u64, deserialize_u128, visit_u128: u128,
        deserialize_f32, visit_f32: f32, deserialize_f64, visit_f64: f64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, CodecError> {
        Err(CodecError::SelfDescribing)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, CodecError> {
        Err(CodecError::SelfDescribing)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, CodecError> {
        Err(CodecError::SelfDescribing)
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.byte()? {
            0 => visitor.visit_bool(false),
            1 => visitor.visit_bool(true),
            _ => Err(CodecError::Value("boolean")),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let width = match self.bytes.first() {
            None => return Err(CodecError::Truncated),
            Some(0..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..) => 4,
        };
        let text = std::str::from_utf8(self.take(width)?).ok();
        visitor.visit_char(text.and_then(|text| text.chars().next()).ok_or(CodecError::Value("character"))?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_str(self.text()?)
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_bytes(self.slice()?)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_borrowed_bytes(self.slice()?)
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        match self.byte()? {
            0 => visitor.visit_none(),
            1 => self.nested(|decoder| visitor.visit_some(decoder)),
            _ => Err(CodecError::Value("option")),
        }
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, CodecError> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.nested(|decoder| visitor.visit_newtype_struct(decoder))
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let count = self.count()?;
        self.fields(count, visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, CodecError> {
        let count = self.count()?;
        self.nested(|decoder| visitor.visit_map(Elements { decoder, left: count }))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.fields(count, visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.fields(count, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.fields(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.nested(|decoder| visitor.visit_enum(Variant { decoder }))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence, a map, a tuple or a struct.
struct Elements<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl Elements<'_, '_> {
    /// What a collection may allocate at once: no more elements than a sixteenth of the bytes that are there, which a false length
    /// cannot raise; real collections grow from there.
    #[inline]
    fn hint(&self) -> usize {
        self.left.min(self.decoder.bytes.len() / 16)
    }
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, CodecError> {
        de::SeqAccess::next_element_seed(self, seed)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, CodecError> {
        seed.deserialize(&mut *self.decoder)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        // Hash tables allocate about twice what they are asked for.
        Some(self.hint() / 4)
    }
}

/// The rest of an enum: which variant, then what is in it.
struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
}

impl<'de> de::EnumAccess<'de> for Variant<'_, 'de> {
    type Error = CodecError;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), CodecError> {
        let index = u32::from_le_bytes(self.decoder.array()?);
        let value = seed.deserialize(IntoDeserializer::<CodecError>::into_deserializer(index))?;
        Ok((value, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = CodecError;

    #[inline]
    fn unit_variant(self) -> Result<(), CodecError> {
        Ok(())
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, CodecError> {
        seed.deserialize(self.decoder)
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, CodecError> {
        self.decoder.fields(count, visitor)
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, CodecError> {
        self.decoder.fields(fields.len(), visitor)
    }
}
