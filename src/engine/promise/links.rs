//! Link keys: those that a linking body gave back, put beside the person tokens of the anonymized release.

use hashbrown::HashMap;

use crate::frame::Dictionary;
use crate::linkage::LINK_DOMAIN;
use crate::technique::Secrets;

/// The tokens of a partition's persons who are in the release, with the keys that were given back for them. `project` holds the
/// project's key, which is not that of this release: link ids are derived under it.
pub fn given<'a>(
    keys: &'a HashMap<[u8; 16], String>,
    ids: &'a Dictionary,
    present: &'a [bool],
    token: impl Fn(usize) -> Option<String> + 'a,
    project: &'a dyn Secrets,
) -> impl Iterator<Item = (String, String)> + 'a {
    let here = present.iter().enumerate().filter(|(_, here)| **here);
    here.filter_map(move |(person, _)| {
        let id = project.token(LINK_DOMAIN, ids.text(person as u32));
        Some((token(person)?, keys.get(&id)?.clone()))
    })
}
