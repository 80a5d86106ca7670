//! Data frames of polars in and out of a run: the crate feature `polars`, off by default, because the full crate brings libraries
//! that can open sockets (`docs/adr/0001`).
//!
//! A frame that goes in is written as Parquet into the run's private folder, by polars' own writer; what comes out is read from the
//! published files by polars' own reader. So a frame takes the way of every other file, with the same gates and the same bytes.
//!
//! ```
//! use kakou::keys::{ProjectKey, Suite};
//! use kakou::progress::Silent;
//! use kakou::run::{Policy, Request, Run, Tables};
//! use kakou::schema::Kind;
//! use polars::prelude::*;
//!
//! let policy = r#"
//! [policy]
//! id = "labs"
//! version = "1"
//! profile = "ngmia"
//! [person]
//! key = "patient"
//! [pseudonymized]
//! project = "p"
//! recipient = "university"
//! [anonymized]
//! tier = "controlled"
//! [[anonymized.view]]
//! name = "person"
//! grain = "labs"
//! quasi = ["labs.sex"]
//! [not_applicable]
//! "18-2" = "no codes that link tables"
//! "33-2" = "no codes that identify"
//! "33-3" = "no card numbers"
//! [output]
//! format = "parquet"
//! [tables.labs]
//! grain = "event"
//! source = { path = "labs.parquet" }
//! keys = { patient = "id" }
//! [tables.labs.columns]
//! id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
//! sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
//! "#;
//! let policy = Policy::from_text("policy.toml", policy).map_err(|failed| failed.error)?;
//!
//! let ids: Vec<String> = (0..60).map(|n| format!("P{n:05}")).collect();
//! let sexes: Vec<&str> = (0..60).map(|n| ["F", "M"][n % 2]).collect();
//! let mut frame = df!("id" => ids, "sex" => sexes).unwrap();
//!
//! let work = tempfile::tempdir().unwrap();
//! let mut tables = Tables::new(work.path())?;
//! tables.add_frame("labs.parquet", &mut frame)?;
//! let key = work.path().join("project.key");
//! ProjectKey::create(&key, None, Suite::default(), 1, std::time::SystemTime::now())?;
//!
//! let request =
//!     Request { key: Some(key), ..Request::new(tables.into(), work.path().join("releases")) };
//! let run = Run::check(policy, request, &Silent)?.read()?.measure()?.freeze()?.apply()?;
//! let released = run.prove()?.seal()?.publish()?;
//!
//! let labs = released.frame(Kind::Anonymized, "labs")?;
//! assert_eq!(labs.shape(), (60, 2));
//! # Ok::<(), kakou::error::Error>(())
//! ```

use std::fs::File;

use polars::frame::DataFrame;
use polars::prelude::{ParquetReader, ParquetWriter, SerReader as _};

use super::{Released, Tables};
use crate::error::{Error, Name, Result};
use crate::say;
use crate::schema::Kind;

impl Tables {
    /// Adds a data frame under the `path` that its table has in the policy. A column of any type that the Parquet reader of `kakou`
    /// knows: texts, categories, whole and decimal numbers, days, moments, truth values; nulls are missing cells.
    ///
    /// # Errors
    /// `P0344` if the name is no plain file name or does not end in `.parquet`, `X0607` if a table of this name was added before or
    /// its file cannot be made, `D0361` if polars cannot write the frame as Parquet.
    pub fn add_frame(&mut self, file: &str, frame: &mut DataFrame) -> Result<()> {
        let path = self.file(file)?;
        if !file.ends_with(".parquet") {
            return Err(Error::policy(
                "P0344",
                say!(
                    "a data frame is handed over as Parquet: `{}` has another ending",
                    Name::from_policy(file)
                ),
            ));
        }
        let out = File::create_new(&path)
            .map_err(|e| Error::io("X0607", say!("making the file of a data frame"), &e))?;
        // An error of the library may quote a cell, so it is not passed on.
        ParquetWriter::new(out).finish(frame).map(drop).map_err(|_| {
            // Half a table is none, and its name is free again.
            let _ = std::fs::remove_file(&path);
            Error::data(
                "D0361",
                say!(
                    "the data frame of `{}` cannot be written as Parquet",
                    Name::from_policy(file)
                ),
            )
        })
    }
}

impl Released {
    /// A table of a release as a data frame, read from the published file.
    ///
    /// # Errors
    /// `D0362` after a dry run, if the release has no such table, or if it is not one Parquet file (`[output] format = "parquet"`).
    pub fn frame(&self, kind: Kind, table: &str) -> Result<DataFrame> {
        let shown = Name::from_policy(table);
        let none = || {
            Error::data(
                "D0362",
                say!("the {} release has no table `{}` as one Parquet file", kind, shown),
            )
            .advice(say!("`[output] format = \"parquet\"` in the policy; a dry run has no files"))
        };
        let folder = self.folder.as_ref().ok_or_else(none)?;
        if table.is_empty() || table.contains(['/', '\\', '\0']) {
            return Err(none());
        }
        let file = File::open(folder.join(kind.word()).join(format!("{table}.parquet")))
            .map_err(|_| none())?;
        ParquetReader::new(file).finish().map_err(|_| none())
    }
}
