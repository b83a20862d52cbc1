//! `#[derive(DemuxEnum)]` takes whatever an enum may look like; what it does with values is shown by the example in `docs/operators.md`.

use hydro_runtime_shim::DemuxEnum;
use hydro_runtime_shim::private::dfir_rs::util::demux_enum::{DemuxEnumBase, SingleVariant};

#[derive(DemuxEnum)]
enum Nothing {}

/// One variant, and all that generics may have.
#[derive(DemuxEnum)]
enum One<'a, T: Iterator<Item = u8> + 'a, F: Fn(u8) -> u8 = fn(u8) -> u8, const N: usize = 2>
where
    T: Clone,
{
    Only(Option<&'a T>, F, [u8; N]),
}

#[derive(DemuxEnum)]
#[expect(dead_code, reason = "only its shape counts")]
enum Many<T>
where
    T: Clone,
{
    r#Type {
        r#type: T,
    },
    /// Documented.
    Pairs(Vec<(u8, T)>, #[doc(hidden)] fn(u8, u8) -> u8),
    Plain,
}

fn is_taken<T: DemuxEnumBase>() {}

#[test]
fn enums_of_all_shapes_derive_it() {
    is_taken::<Nothing>();
    is_taken::<Many<String>>();
    let one: One<'_, std::ops::Range<u8>> = One::Only(Some(&(0..3)), |n| n + 1, [7, 8]);
    let (range, add, numbers) = one.single_variant();
    assert_eq!((range.cloned().map(Iterator::count), add(1), numbers), (Some(3), 2, [7, 8]));
}
