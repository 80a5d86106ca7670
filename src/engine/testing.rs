//! What tests of this room share.

use crate::error::Name;
use crate::schema::{ColumnFacts, Role, Type};

/// A quasi-identifier of a type.
pub(crate) fn facts(ty: Type) -> ColumnFacts {
    ColumnFacts {
        table: Name::fixed("t"),
        column: Name::fixed("c"),
        role: Role::Quasi,
        ty,
        date: None,
        code: None,
        specials: Vec::new(),
    }
}
