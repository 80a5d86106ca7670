//! The policies that are shipped with the program: `kakou run --policy kakou:dpc-hub`, `extends = "kakou:dpc-hub"`.
//!
//! They are the files of `policies/`, so that a program without its folder knows them too.

/// What stands before the name of a shipped policy.
pub const PREFIX: &str = "kakou:";

/// A shipped policy.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its name: `dpc-hub`.
    pub name: &'static str,
    /// The TOML.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($name:literal)*) => {
        /// All shipped policies.
        pub static SHIPPED: &[Shipped] = &[$(Shipped {
            name: $name,
            text: include_str!(concat!("../../policies/", $name, ".toml")),
        }),*];
    };
}

shipped! {
    "dpc-hub" "dpc-lab" "dpc-anonymized-public" "csv" "lab" "receipt" "ssmix2" "fhir" "fhir-clins" "omop" "omop54"
    "appi-pseudonymized" "appi-public" "clinosim" "demo" "template"
}

/// The shipped policy with a name; in a shipped policy `dpc-hub.toml` is one too.
#[must_use]
pub fn shipped(name: &str) -> Option<&'static Shipped> {
    let name = name.strip_suffix(".toml").unwrap_or(name);
    SHIPPED.iter().find(|p| p.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_of_the_folder_is_embedded() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
        let mut files = 0;
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            let path = file.path();
            if path.extension().is_some_and(|e| e == "toml") {
                let name = path.file_stem().unwrap().to_str().unwrap();
                assert!(shipped(name).is_some(), "{name} is not embedded");
                files += 1;
            }
        }
        assert_eq!(files, SHIPPED.len());
    }

    #[test]
    fn every_policy_loads_by_its_name_as_from_its_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
        for policy in SHIPPED {
            let named = std::path::PathBuf::from(format!("{PREFIX}{}", policy.name));
            let by_name = crate::load(&named).map_err(|f| f.error);
            let by_file =
                crate::load(&folder.join(format!("{}.toml", policy.name))).map_err(|f| f.error);
            match (by_name, by_file) {
                (Ok(a), Ok(b)) => assert_eq!(a.policy, b.policy, "{}", policy.name),
                (Err(a), Err(b)) => assert_eq!(a.code, b.code, "{}", policy.name),
                _ => panic!("{}: only one of the two loads", policy.name),
            }
        }
    }
}
