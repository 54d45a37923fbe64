//! Objects that are patterns in a partition: route patterns, SIP route patterns, translation patterns.

/// Such an object, with what all of them say of themselves. `digits` says whether it takes digits; a host takes none.
macro_rules! pattern_object {
    ($(#[$doc:meta])* $name:ident, digits: $digits:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name {
            pub uuid: $crate::ids::Uuid,
            pub pattern: String,
            pub partition: String,
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::dial_plan::place(&self.pattern, Some(&self.partition)))
            }
        }

        impl $crate::steps::Object for $name {
            fn uuid(&self) -> &$crate::ids::Uuid {
                &self.uuid
            }

            fn partition(&self) -> Option<&str> {
                Some(&self.partition)
            }

            fn pattern(&self) -> Option<&str> {
                $digits.then_some(&*self.pattern)
            }
        }
    };
}

pub(super) use pattern_object;
