//! Opening and renewing at the same time.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_opens_while_another_renews_never_takes_it_for_a_backup() -> Result<()> {
    for session_only in [false, true] {
        let world = Arc::new(World::new()?);
        if session_only {
            world.vault.use_session_only();
        }
        world.add(1, "round 0").await?;
        let over = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let mut readers = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (own, over) = (world.clone(), over.clone());
            readers.spawn(async move {
                while !over.load(Ordering::SeqCst) {
                    own.read(1).await?;
                }
                Ok::<_, Error>(())
            });
        }
        for round in 1..=150 {
            world.renew(1, &format!("round {round}")).await?;
        }
        over.store(true, Ordering::SeqCst);
        while let Some(read) = readers.join_next().await {
            read?.with_context(|| format!("session only: {session_only}"))?;
        }
        assert_eq!(world.read(1).await?, "round 150");
    }
    Ok(())
}
