pub(crate) fn all() -> anyhow::Result<()> { Ok(()) }
pub(crate) fn browser() -> anyhow::Result<()> { Ok(()) }
