//! Steps as they are kept: object and values apart, in the form that servers have always kept them in.

use super::{AnyObject, Group, Step, StepValue};
use crate::ids::StepId;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    id: StepId,
    group: Group,
    object: AnyObject,
    normal: StepValue,
    locked: StepValue,
}

impl From<Step> for Stored {
    fn from(step: Step) -> Self {
        let (object, normal, locked) = step.switch.stored();
        Self { id: step.id, group: step.group, object, normal, locked }
    }
}

impl TryFrom<Stored> for Step {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let Stored { id, group, object, normal, locked } = stored;
        let switch = object.switch(&normal, &locked);
        let switch = switch.ok_or_else(|| format!("{id} cannot hold “{normal}” and “{locked}”"))?;
        Ok(Self { id, group, switch })
    }
}
