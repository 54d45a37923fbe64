//! Translation patterns, between AXL's words and the plan's.

use super::change;
use axl::trans_pattern::TransPattern;
use lockdown::dial_plan::{DialPlan as Facts, TranslationPattern};
use lockdown::ids::Uuid;

/// Those of one partition, or of the whole cluster.
pub(super) async fn read_into(
    facts: &mut Facts,
    client: &axl::Client,
    partition: Option<&str>,
) -> Result<(), axl::Error> {
    facts.translation_patterns.extend(client.trans_patterns(partition).await?.into_iter().map(of));
    Ok(())
}

fn of(found: TransPattern) -> TranslationPattern {
    TranslationPattern {
        uuid: Uuid::from(found.uuid),
        pattern: found.pattern,
        partition: found.partition,
        blocked: found.blocked,
        urgent: found.urgent,
        change: change(found.discard.as_deref(), found.mask, found.prefix),
        css: found.css,
        use_originator_css: found.use_originator_css,
        at_once: found.at_once,
        emergency: found.emergency,
        filtered: found.route_filter.is_some(),
        by_calling_number: found.by_calling_number,
    }
}
