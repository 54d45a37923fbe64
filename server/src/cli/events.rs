//! `events verify`.

use super::{Context, Ended, Sorry};
use crate::store::chain::Verdict;

pub(super) async fn verify(context: &Context) -> Result<Ended, Sorry> {
    let (_, store) = context.store().await?;
    match store.verify().await? {
        Verdict::Whole { events, head } => {
            context.print(
                &serde_json::json!({ "whole": true, "events": events, "head": head }),
                format!("The timeline is whole: {events} events. Its head is {head}; keep it elsewhere to find a timeline rewritten as a whole."),
            );
            Ok(Ended::Done)
        }
        Verdict::Broken { seq, why } => {
            context.print(
                &serde_json::json!({ "whole": false, "seq": seq, "why": why }),
                format!("The timeline was tampered with at event {seq}: {why}."),
            );
            Ok(Ended::Refused)
        }
    }
}
