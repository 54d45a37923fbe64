pub(crate) fn all() -> anyhow::Result<()> { Ok(()) }
