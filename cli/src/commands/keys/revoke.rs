//! `keys revoke`: as `keys destroy`, since many servers give out no key that is revoked.

use rekey_engine::Result;
use rekey_kmip::message::{Revocation, RevocationReason, Timestamp, UniqueIdentifier};

use crate::args::{Reason, RevokeArgs};
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(super) fn run(args: &RevokeArgs) -> Result<Code> {
    let output = Output::new(args.group.json);
    let servers = args.group.servers()?;
    let (id, group) = (&args.key.id, &args.group.group);
    if !args.proof.allows(output, "revoked", &servers, &args.group, id)? {
        return Ok(exit_code::IN_USE);
    }
    output.notes(args.proof.not_seen());
    let compromised = matches!(args.reason, Reason::KeyCompromise | Reason::CaCompromise);
    let reason = RevocationReason::from(args.reason);
    let consequence = match compromised {
        true => {
            "The key becomes Compromised. Many servers give out no compromised key: what is still \
             under it may not be readable from that moment on, also by the database."
        }
        false => {
            "The key becomes Deactivated. Some servers give out no deactivated key: what is still \
             under it may not be readable from that moment on, also by the database."
        }
    };
    args.key.confirm(
        output,
        &format!("Key {} will be revoked ({reason}). {consequence}", id.escape_debug()),
    )?;
    let revocation = Revocation {
        id: UniqueIdentifier::new(id.as_str()),
        reason,
        message: None,
        occurred: compromised.then(Timestamp::now),
    };
    servers.with(group, |client| client.revoke_key(revocation))?;
    output.notes(servers.take_warnings());
    output.done("revoked", &servers, (group, id), &reason.to_string());
    Ok(exit_code::DONE)
}

impl From<Reason> for RevocationReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unspecified => Self::UNSPECIFIED,
            Reason::KeyCompromise => Self::KEY_COMPROMISE,
            Reason::CaCompromise => Self::CA_COMPROMISE,
            Reason::AffiliationChanged => Self::AFFILIATION_CHANGED,
            Reason::Superseded => Self::SUPERSEDED,
            Reason::CessationOfOperation => Self::CESSATION_OF_OPERATION,
            Reason::PrivilegeWithdrawn => Self::PRIVILEGE_WITHDRAWN,
        }
    }
}
