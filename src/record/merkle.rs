//! Merkle trees of RFC 6962: the root of a list of entries, and proofs that a list holds an entry and that a longer
//! list begins with a shorter one.
//!
//! A ledger has one entry a run, so trees are small and computed from all leaves; whoever only adds leaves needs the right
//! edge. Verification needs the proof only and follows RFC 9162 §2.1.3.2 and §2.1.4.2.

use sha2::{Digest as _, Sha256};

/// A hash in a tree: SHA-256.
pub type Hash = [u8; 32];

/// The hash of an entry.
#[must_use]
pub fn leaf(entry: &[u8]) -> Hash {
    Sha256::new_with_prefix([0]).chain_update(entry).finalize().into()
}

/// The hash of a node above two others.
fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new_with_prefix([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The number of leaves left of the root: the largest power of two below the number of leaves, which is at least 2.
fn split(leaves: usize) -> usize {
    leaves.next_power_of_two() / 2
}

/// The root of a tree with these leaves.
#[must_use]
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// The right edge of a tree: the roots of the whole trees that it is made of, the largest first. A leaf can be added to it, and the
/// root is that of the tree, whose other leaves nobody needs to know.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Edge {
    size: u64,
    peaks: Vec<Hash>,
}

impl Edge {
    /// From its parts; `None` if a tree of this size has more or fewer.
    #[must_use]
    pub fn new(size: u64, peaks: Vec<Hash>) -> Option<Self> {
        (peaks.len() == size.count_ones() as usize).then_some(Edge { size, peaks })
    }
    /// The number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }
    /// The roots of its whole trees.
    #[must_use]
    pub fn peaks(&self) -> &[Hash] {
        &self.peaks
    }
    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.peaks.pop() {
                hash = node(&left, &hash);
            }
        }
        self.peaks.push(hash);
        self.size += 1;
    }
    /// Size and root.
    #[must_use]
    pub fn head(&self) -> Head {
        let mut peaks = self.peaks.iter().rev();
        let root = match peaks.next() {
            None => root(&[]),
            Some(last) => peaks.fold(*last, |right, left| node(left, &right)),
        };
        Head { size: self.size, root }
    }
    /// The proof that a leaf which is added now is in the tree.
    #[must_use]
    pub fn prove_next(&self) -> Vec<Hash> {
        self.peaks.iter().rev().copied().collect()
    }
}

/// The proof that the leaf with a number (from 0) is in the tree; `None` if there is no such leaf.
#[must_use]
pub fn prove_inclusion(leaves: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut tree, mut index, mut proof) = (leaves, index, Vec::new());
    while tree.len() > 1 {
        let (left, right) = tree.split_at(split(tree.len()));
        if index < left.len() {
            proof.push(root(right));
            tree = left;
        } else {
            proof.push(root(left));
            index -= left.len();
            tree = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Whether a proof shows that the leaf with a number (from 0) is in the tree with a size and root.
#[must_use]
pub fn includes(root: &Hash, size: u64, index: u64, leaf: &Hash, proof: &[Hash]) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(sibling, &hash);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            hash = node(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The proof that the tree begins with its first `old` leaves; `None` if it has fewer.
/// Empty if it has exactly as many, or if there were none.
#[must_use]
pub fn prove_consistency(leaves: &[Hash], old: usize) -> Option<Vec<Hash>> {
    if old > leaves.len() {
        return None;
    }
    if old == 0 {
        return Some(Vec::new());
    }
    let (mut tree, mut old, mut proof) = (leaves, old, Vec::new());
    // Whether the rest of the way is a whole tree that the reader knows: the old tree itself.
    let mut known = true;
    while old < tree.len() {
        let (left, right) = tree.split_at(split(tree.len()));
        if old <= left.len() {
            proof.push(root(right));
            tree = left;
        } else {
            proof.push(root(left));
            old -= left.len();
            tree = right;
            known = false;
        }
    }
    if !known {
        proof.push(root(tree));
    }
    proof.reverse();
    Some(proof)
}

/// A tree that someone has signed: its size and root.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Head {
    /// The number of leaves.
    pub size: u64,
    /// The root.
    pub root: Hash,
}

/// Whether a proof shows that the new tree begins with the old one.
#[must_use]
pub fn is_consistent(old: &Head, new: &Head, proof: &[Hash]) -> bool {
    if old.size > new.size {
        return false;
    }
    if old.size == new.size {
        return proof.is_empty() && old.root == new.root;
    }
    if old.size == 0 {
        return proof.is_empty() && old.root == root(&[]);
    }
    let (mut at, mut last) = (old.size - 1, new.size - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // A whole tree is not repeated in its own proof.
    let (first, rest) = if old.size.is_power_of_two() {
        (&old.root, proof)
    } else if let Some((first, rest)) = proof.split_first() {
        (first, rest)
    } else {
        return false;
    };
    let (mut old_root, mut new_root) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_root = node(sibling, &old_root);
            new_root = node(sibling, &new_root);
            while at & 1 == 0 && at != 0 {
                at >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node(&new_root, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_root == old.root && new_root == new.root
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hash(text: &str) -> Hash {
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[place * 2..place * 2 + 2], 16).unwrap();
        }
        hash
    }

    /// The eight entries of the tests of Certificate Transparency.
    fn entries() -> Vec<Hash> {
        let entries: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        entries.iter().map(|entry| leaf(entry)).collect()
    }

    /// The published roots of the first 0 to 8 of them.
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn published_roots() {
        let leaves = entries();
        for (size, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(&leaves[..size]), hash(expected), "{size}");
        }
    }

    #[test]
    fn published_proofs() {
        let leaves = entries();
        let inclusion: [&str; 3] = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        let proof = prove_inclusion(&leaves, 0).unwrap();
        assert_eq!(proof, inclusion.map(hash));
        assert!(includes(&hash(ROOTS[8]), 8, 0, &leaves[0], &proof));

        let consistency: [&str; 3] = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        let proof = prove_consistency(&leaves[..7], 6).unwrap();
        assert_eq!(proof, consistency.map(hash));
        let (old, new) =
            (Head { size: 6, root: hash(ROOTS[6]) }, Head { size: 7, root: hash(ROOTS[7]) });
        assert!(is_consistent(&old, &new, &proof));
    }

    fn leaves(count: usize) -> Vec<Hash> {
        (0..count).map(|number| leaf(&number.to_be_bytes())).collect()
    }

    #[test]
    fn every_proof_of_every_small_tree_holds_and_no_other() {
        for size in 1..=20_usize {
            let tree = leaves(size);
            let new = Head { size: size as u64, root: root(&tree) };
            for index in 0..size {
                let proof = prove_inclusion(&tree, index).unwrap();
                for claimed in 0..size + 2 {
                    let holds = includes(&new.root, new.size, claimed as u64, &tree[index], &proof);
                    assert_eq!(holds, claimed == index, "{index} of {size} as {claimed}");
                }
                let mut long = proof.clone();
                long.push([0; 32]);
                assert!(!includes(&new.root, new.size, index as u64, &tree[index], &long));
                if let Some((_, short)) = proof.split_last() {
                    assert!(!includes(&new.root, new.size, index as u64, &tree[index], short));
                }
            }
            assert!(prove_inclusion(&tree, size).is_none());
            for before in 0..=size {
                let proof = prove_consistency(&tree, before).unwrap();
                let old = Head { size: before as u64, root: root(&tree[..before]) };
                assert!(is_consistent(&old, &new, &proof), "{before} to {size}");
                let other = Head { root: [7; 32], ..old };
                assert!(!is_consistent(&other, &new, &proof));
                assert!(
                    !is_consistent(&old, &Head { root: [7; 32], ..new }, &proof) || before == 0
                );
                let mut long = proof.clone();
                long.push([0; 32]);
                assert!(!is_consistent(&old, &new, &long));
                if before > 0
                    && let Some((_, short)) = proof.split_last()
                {
                    assert!(!is_consistent(&old, &new, short));
                }
            }
            assert!(prove_consistency(&tree, size + 1).is_none());
        }
    }

    #[test]
    fn the_edge_is_that_of_the_tree() {
        let mut edge = Edge::default();
        for size in 0..130_usize {
            let tree = leaves(size + 1);
            assert_eq!(edge.head(), Head { size: size as u64, root: root(&tree[..size]) });
            assert_eq!(Some(edge.prove_next()), prove_inclusion(&tree, size), "{size}");
            assert_eq!(Edge::new(edge.size(), edge.peaks().to_vec()).as_ref(), Some(&edge));
            assert_eq!(Edge::new(edge.size(), vec![[0; 32]; edge.peaks().len() + 1]), None);
            edge.push(tree[size]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_bit_or_entry_breaks_the_proof(
            size in 2_usize..200, pick: prop::sample::Index, old: prop::sample::Index,
            place: prop::sample::Index, bit in 0_u8..8,
        ) {
            let tree = leaves(size);
            let top = root(&tree);
            let index = pick.index(size);
            let mut proof = prove_inclusion(&tree, index).unwrap();
            prop_assert!(includes(&top, size as u64, index as u64, &tree[index], &proof));
            let which = place.index(proof.len());
            proof[which][pick.index(32)] ^= 1 << bit;
            prop_assert!(!includes(&top, size as u64, index as u64, &tree[index], &proof));

            // A ledger whose entry was changed, or whose entries were swapped, is no continuation.
            let before = 1 + old.index(size - 1);
            let head = Head { size: before as u64, root: root(&tree[..before]) };
            let changed = pick.index(before);
            let mut other = tree.clone();
            other[changed][0] ^= 1;
            let new = Head { size: size as u64, root: root(&other) };
            prop_assert!(!is_consistent(&head, &new, &prove_consistency(&other, before).unwrap()));
        }
    }
}
