//! Which acceptors together are a quorum. Knows numbers of acceptors alone; that each quorum of phase 1 meets each of phase 2 is all that the protocol needs of it.

use serde::{Deserialize, Serialize};

/// How acceptors are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quorums {
    /// More than half of so many.
    Majority(u32),
    /// Acceptors in rows: a whole row promises, a whole column takes. A value burdens one column only, so more columns bear more values.
    Grid {
        /// How many acceptors are in a column.
        rows: u32,
        /// How many are in a row.
        columns: u32,
    },
}

impl Quorums {
    /// Returns how many acceptors there are.
    pub fn acceptors(self) -> u32 {
        match self {
            Self::Majority(acceptors) => acceptors,
            Self::Grid { rows, columns } => rows * columns,
        }
    }

    /// Returns the group whose promises an acceptor's own is counted with.
    pub fn row(self, acceptor: u32) -> u32 {
        match self {
            Self::Majority(_) => 0,
            Self::Grid { columns, .. } => acceptor / columns,
        }
    }

    /// Returns how many promises of a row are enough.
    pub fn promises(self) -> usize {
        match self {
            Self::Majority(acceptors) => acceptors as usize / 2 + 1,
            Self::Grid { columns, .. } => columns as usize,
        }
    }

    /// Returns the group whose votes an acceptor's own is counted with.
    pub fn column(self, acceptor: u32) -> u32 {
        match self {
            Self::Majority(_) => 0,
            Self::Grid { columns, .. } => acceptor % columns,
        }
    }

    /// Returns how many votes of a column are enough.
    pub fn votes(self) -> usize {
        match self {
            Self::Majority(acceptors) => acceptors as usize / 2 + 1,
            Self::Grid { rows, .. } => rows as usize,
        }
    }

    /// Returns the acceptors that are asked for a slot: a column, in turn.
    pub fn asked(self, slot: u64) -> Vec<u32> {
        match self {
            Self::Majority(acceptors) => (0..acceptors).collect(),
            Self::Grid { rows, columns } => {
                let column = u32::try_from(slot % u64::from(columns.max(1))).unwrap_or_default();
                (0..rows).map(|row| row * columns + column).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Quorums;

    /// Returns all sets of acceptors, as bits, that hold enough of one group.
    fn sets(quorums: Quorums, group: impl Fn(u32) -> u32, enough: usize) -> Vec<u32> {
        let all = 0..1_u32 << quorums.acceptors();
        let is_enough = |set: &u32| {
            let members = (0..quorums.acceptors()).filter(|acceptor| set & 1 << acceptor != 0);
            let mut groups: Vec<u32> = members.map(&group).collect();
            groups.sort_unstable();
            groups.chunk_by(|one, other| one == other).any(|group| group.len() >= enough)
        };
        all.filter(is_enough).collect()
    }

    #[test]
    fn each_quorum_of_phase_1_meets_each_of_phase_2() {
        let grid = |rows, columns| Quorums::Grid { rows, columns };
        for quorums in [Quorums::Majority(1), Quorums::Majority(4), Quorums::Majority(5), grid(2, 2), grid(2, 3), grid(3, 2)] {
            let votes = sets(quorums, |acceptor| quorums.column(acceptor), quorums.votes());
            for promised in sets(quorums, |acceptor| quorums.row(acceptor), quorums.promises()) {
                assert!(votes.iter().all(|voted| voted & promised != 0), "{quorums:?}");
            }
        }
    }

    #[test]
    fn who_is_asked_for_a_slot_is_a_quorum() {
        for quorums in [Quorums::Majority(5), Quorums::Grid { rows: 2, columns: 3 }] {
            for slot in 0..7 {
                let asked = quorums.asked(slot);
                assert!(asked.len() >= quorums.votes());
                assert!(asked.iter().all(|&one| quorums.column(one) == quorums.column(asked[0])));
            }
        }
    }
}
