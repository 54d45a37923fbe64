//! Why a plan is refused.

/// What stands in the way of freezing a plan.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FreezeError {
    #[error("{what} is not in CUCM. Create it there, or take step {step} out of the plan.")]
    Missing { step: usize, what: String },
    #[error(
        "step {step} selects no pattern: partition {partition} holds none besides the exceptions. Correct the partition or the exceptions."
    )]
    NothingSelected { step: usize, partition: String },
    #[error("{what} is switched by two steps. Keep one of them.")]
    Twice { what: String },
}

/// Why a plan is refused. Every text says what, where and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    #[error("The plan has no steps. Add at least one [[site.step]].")]
    NoSteps,
    #[error("The plan protects no number. List the emergency numbers in protected_numbers.")]
    NothingProtected,
    #[error(
        "{number} in protected_numbers is no number. Write it as it is dialled: digits, * and # only, + in front if need be."
    )]
    NoNumber { number: String },
    #[error("{object} is in the protected partition {partition}. Take the step out of the plan.")]
    ProtectedPartition { object: String, partition: String },
    #[error("{object} is the EOC pilot itself. Take the step out of the plan: calls must reach the EOC.")]
    EocPilot { object: String },
    #[error("{object} is flagged as an emergency services number in CUCM. Take the step out of the plan.")]
    EmergencyFlag { object: String },
    #[error("{object} is the emergency number {number}. Take the step out of the plan.")]
    EmergencyNumber { object: String, number: String },
    #[error(
        "{object} goes straight to gateway {gateway}: writing it may reset the gateway and drop calls. Give it a route list, or set acknowledge_gateway = true on the step."
    )]
    Gateway { object: String, gateway: String },
    #[error("{object} has the same value when normal and when locked. Correct the step.")]
    SameValue { object: String },
    #[error("{css} would hold {length} characters of partition names; CUCM keeps 1024. Shorten the list.")]
    CssTooLong { css: String, length: usize },
    #[error(
        "The EOC pilot {pilot} is neither a hunt pilot nor a directory number in CUCM. Correct eoc_pilot, or create it."
    )]
    NoPilot { pilot: String },
    #[error(
        "Nothing rings at the EOC pilot {pilot}: it is blocked in CUCM, or no device has it. Mend it there: calls must reach the EOC."
    )]
    DeadPilot { pilot: String },
    #[error("{what} is not in CUCM, so {object} could not be switched. Create it there, or correct the step.")]
    UnknownName { object: String, what: String },
    #[error(
        "{object} is the schedule of the EOC pilot's own partition: calls must reach the EOC. Take the step out of the plan."
    )]
    PilotPartition { object: String },
    #[error("{object} cannot be judged: {why}. Take the step out of the plan, or write the pattern another way.")]
    Unreadable { object: String, why: String },
    #[error(
        "{digits} dialled from {from} could be taken by {object}, and no route of its own is found. Add a pattern for exactly {digits} in a protected partition that is searched from there."
    )]
    Unproven { digits: String, from: String, object: String },
    #[error(
        "{object} is blocked although nothing is locked: the first all-clear would open it. Name it in `except`, or take the step out of the plan."
    )]
    BlockedAlready { object: String },
    #[error(
        "{digits} dialled from {from} ({dialling}) would no longer take its own way when locked: normally {normal}, then {locked}. Add a pattern for exactly {digits} in a protected partition that is searched from there, or narrow the step's pattern."
    )]
    Diverted { digits: String, from: String, dialling: &'static str, normal: String, locked: String },
}
