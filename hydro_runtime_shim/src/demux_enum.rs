//! What the operator `demux_enum` is made of: the traits that `#[derive(DemuxEnum)]` implements, and the operator.
//!
//! The dataflow runtime has the same only together with its procedural macros, and those with a parser of Rust and the dataflow compiler, which every program
//! would be built with. The shapes are the runtime's, as the code that the dataflow compiler writes names them.

use std::pin::Pin;

use dfir_rs::dfir_pipes::push::{Push, PushStep};
use dfir_rs::dfir_pipes::{Context, Toggle};

/// An enum whose values can be led to outputs by their variants.
#[diagnostic::on_unimplemented(note = "write `#[derive(hydro_runtime_shim::DemuxEnum)]` above the enum")]
pub trait DemuxEnumBase {}

/// How the values of an enum go to `Outputs`: a tuple with an output for each variant, in the order of the variants' names.
#[diagnostic::on_unimplemented(
    note = "there must be an output for each variant",
    note = "an output is given a tuple of the variant's fields: `()`, `(a,)`, `(a, b)`"
)]
pub trait DemuxEnumPush<Outputs, Meta: Copy>: DemuxEnumBase {
    /// What the outputs need from whoever drives them.
    type Ctx<'ctx>: Context<'ctx>;
    /// Whether an output may ask to be called again.
    type CanPend: Toggle;

    /// Asks all outputs whether they can take an item.
    fn poll_ready(outputs: &mut Outputs, context: &mut Self::Ctx<'_>) -> PushStep<Self::CanPend>;

    /// Gives a value to the output of its variant.
    fn start_send(self, meta: Meta, outputs: &mut Outputs);

    /// Tells all outputs that nothing more comes.
    fn poll_finalize(outputs: &mut Outputs, context: &mut Self::Ctx<'_>) -> PushStep<Self::CanPend>;

    /// Tells all outputs how many items are to be expected.
    fn size_hint(outputs: &mut Outputs, hint: (usize, Option<usize>));
}

/// An enum with one variant: its operator has one output and chooses nothing.
#[diagnostic::on_unimplemented(note = "there must be an output for each variant")]
pub trait SingleVariant: DemuxEnumBase {
    /// A tuple of the variant's fields.
    type Output;

    /// Returns the fields.
    fn single_variant(self) -> Self::Output;
}

/// The operator.
#[derive(Debug)]
#[must_use = "an operator does nothing unless it is given items"]
pub struct DemuxEnum<Outputs> {
    outputs: Outputs,
}

impl<Outputs> DemuxEnum<Outputs> {
    /// Leads values to these outputs.
    pub const fn new(outputs: Outputs) -> Self {
        Self { outputs }
    }
}

/// The outputs are pinned where they are made; what is here are references to them, and those are nowhere pinned.
impl<Outputs> Unpin for DemuxEnum<Outputs> {}

impl<Outputs, Item, Meta: Copy> Push<Item, Meta> for DemuxEnum<Outputs>
where
    Item: DemuxEnumPush<Outputs, Meta>,
{
    type Ctx<'ctx> = <Item as DemuxEnumPush<Outputs, Meta>>::Ctx<'ctx>;
    type CanPend = <Item as DemuxEnumPush<Outputs, Meta>>::CanPend;

    fn poll_ready(self: Pin<&mut Self>, context: &mut Self::Ctx<'_>) -> PushStep<Self::CanPend> {
        Item::poll_ready(&mut self.get_mut().outputs, context)
    }

    fn start_send(self: Pin<&mut Self>, item: Item, meta: Meta) {
        item.start_send(meta, &mut self.get_mut().outputs);
    }

    fn poll_finalize(self: Pin<&mut Self>, context: &mut Self::Ctx<'_>) -> PushStep<Self::CanPend> {
        Item::poll_finalize(&mut self.get_mut().outputs, context)
    }

    fn size_hint(self: Pin<&mut Self>, hint: (usize, Option<usize>)) {
        Item::size_hint(&mut self.get_mut().outputs, hint);
    }
}
