//! From syntax to things that do something: sessions, targets, key sources.

use std::num::NonZeroUsize;

use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeyId, KeyProvider, KmipKeyFile, LocalKeyFiles};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{KeySources, Selection, Target};
use rekey_engine::upgrade::Session;
use rekey_engine::{Error, Result};

use crate::args::{DataArgs, Io, KeyArgs, TargetArgs};

impl DataArgs {
    pub(crate) fn session(&self, mode: LeaseMode) -> Result<Session> {
        Session::open(Box::new(LocalStorage), &self.data_dirs, mode, self.io == Io::Map)
    }

    pub(crate) fn selection(&self) -> Selection {
        Selection { keyspace: self.keyspace.clone(), tables: self.tables.clone() }
    }

    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }
}

impl KeyArgs {
    pub(crate) fn sources(&self) -> Result<KeySources> {
        let mut kmip: Option<Box<dyn KeyProvider>> = None;
        if let Some(path) = &self.kmip_keys {
            kmip = Some(Box::new(KmipKeyFile::open(path)?));
        }
        Ok(KeySources { local: LocalKeyFiles::new(self.key_base.clone()), kmip })
    }
}

impl TargetArgs {
    pub(crate) fn target(&self) -> Result<Target> {
        let named = |error: Error| {
            let advice = error.advice().map(str::to_owned);
            let kind = error.kind();
            let error = Error::new(kind, "the options of --compression").caused_by(error);
            match advice {
                Some(advice) => error.cure(advice),
                None => error,
            }
        };
        let map = OptionMap::parse_cql(&self.compression).map_err(named)?;
        let params = CompressionParams::from_cql_options(&map).map_err(named)?;
        let key_id = self.key_id.clone().map(KeyId::new).transpose()?;
        Target::new(params, key_id)
    }
}
