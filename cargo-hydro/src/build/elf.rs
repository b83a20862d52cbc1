//! What an executable needs of the system's C library: the newest version among the symbols it asks glibc for.
//!
//! Reads ELF as far as that takes, of either width and byte order. Bytes that are no ELF need nothing.

use super::target::Glibc;

/// Sections of this kind hold the versions that are needed of other libraries.
const VERSIONS_NEEDED: u32 = 0x6fff_fffe;
/// Asked for by executables whose relocations are packed; glibc knows it since 2.36.
const PACKED_RELOCATIONS: (&str, Glibc) = ("GLIBC_ABI_DT_RELR", (2, 36));

/// Returns the newest version of glibc that the executable asks for; none: it asks for no glibc.
pub(super) fn glibc_need(bytes: &[u8]) -> Option<Glibc> {
    let file = File::of(bytes)?;
    let sections = (0..file.count).filter_map(|number| file.section(number));
    let needs = sections.filter(|section| section.kind == VERSIONS_NEEDED);
    needs.flat_map(|section| file.versions(&section)).max()
}

struct File<'a> {
    bytes: &'a [u8],
    wide: bool,
    little: bool,
    sections: usize,
    size: usize,
    count: usize,
}

struct Section {
    kind: u32,
    offset: usize,
    link: usize,
    entries: usize,
}

impl<'a> File<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..4)? != b"\x7fELF" {
            return None;
        }
        let (wide, little) = (*bytes.get(4)? == 2, *bytes.get(5)? == 1);
        let mut file = Self { bytes, wide, little, sections: 0, size: 0, count: 0 };
        let (at, size, count) = if wide { (0x28, 0x3a, 0x3c) } else { (0x20, 0x2e, 0x30) };
        file.sections = file.word(at)?;
        file.size = file.number(size, 2)?;
        file.count = file.number(count, 2)?;
        Some(file)
    }

    fn section(&self, number: usize) -> Option<Section> {
        let at = self.sections.checked_add(number.checked_mul(self.size)?)?;
        let field = |wide: usize, narrow: usize| at.checked_add(if self.wide { wide } else { narrow });
        Some(Section {
            kind: u32::try_from(self.number(field(4, 4)?, 4)?).ok()?,
            offset: self.word(field(0x18, 0x10)?)?,
            link: self.number(field(0x28, 0x18)?, 4)?,
            entries: self.number(field(0x2c, 0x1c)?, 4)?,
        })
    }

    /// Reads the needs of all libraries: a list of lists, whose counts are bounded by what the file can hold.
    fn versions(&self, section: &Section) -> Vec<Glibc> {
        let mut found = Vec::new();
        let mut library = Some(section.offset);
        for _ in 0..section.entries.min(self.bytes.len()) {
            let Some(at) = library else { break };
            let mut version = self.number(at + 8, 4).and_then(|ahead| at.checked_add(ahead));
            for _ in 0..self.number(at + 2, 2).unwrap_or_default() {
                let Some(at) = version else { break };
                let name = self.number(at + 8, 4).and_then(|name| self.text(section.link, name));
                found.extend(name.and_then(version_of));
                version = self.next(at, 12);
            }
            library = self.next(at, 12);
        }
        found
    }

    fn next(&self, at: usize, field: usize) -> Option<usize> {
        self.number(at.checked_add(field)?, 4).filter(|ahead| *ahead != 0).and_then(|ahead| at.checked_add(ahead))
    }

    fn text(&self, table: usize, at: usize) -> Option<&'a str> {
        let bytes = self.bytes.get(self.section(table)?.offset.checked_add(at)?..)?;
        std::str::from_utf8(bytes.split(|&byte| byte == 0).next()?).ok()
    }

    fn word(&self, at: usize) -> Option<usize> {
        self.number(at, if self.wide { 8 } else { 4 })
    }

    fn number(&self, at: usize, width: usize) -> Option<usize> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let fold = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        let number = if self.little { bytes.iter().rev().fold(0, fold) } else { bytes.iter().fold(0, fold) };
        usize::try_from(number).ok()
    }
}

fn version_of(name: &str) -> Option<Glibc> {
    if name == PACKED_RELOCATIONS.0 {
        return Some(PACKED_RELOCATIONS.1);
    }
    let mut numbers = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_needs_what_its_linker_wrote() {
        let bytes = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let need = glibc_need(&bytes);
        assert_eq!(need.is_some(), cfg!(all(target_os = "linux", target_env = "gnu")), "{need:?}");
        // std itself asks for that much.
        assert!(need.is_none_or(|need| need >= (2, 17)), "{need:?}");
    }

    #[test]
    fn versions_are_read_from_symbols() {
        for (name, version) in [
            ("GLIBC_2.17", Some((2, 17))),
            ("GLIBC_2.2.5", Some((2, 2))),
            ("GLIBC_ABI_DT_RELR", Some((2, 36))),
            ("GLIBC_PRIVATE", None),
            ("GCC_3.0", None),
            ("GLIBC_2", None),
        ] {
            assert_eq!(version_of(name), version, "{name}");
        }
    }

    #[test]
    fn bytes_that_claim_to_be_an_executable_are_read_without_harm() {
        let whole = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        for length in [0, 3, 4, 6, 40, 63, 64, 100, 4096] {
            assert_eq!(glibc_need(&whole[..length.min(whole.len())]), None, "{length}");
        }
        // Each byte of the head, and of the first sections' table, becomes something else.
        let table = File::of(&whole).map_or(64, |file| file.sections);
        for at in (4..64).chain(table..(table + 2048).min(whole.len())) {
            for value in [0, 1, 0x7f, 0xff] {
                let mut head = whole[..64].to_vec();
                if at < 64 {
                    head[at] = value;
                    glibc_need(&[&head, &whole[64..4096]].concat());
                }
            }
        }
    }
}
