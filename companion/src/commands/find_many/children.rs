//! Workers as processes of their own: one each for a GPU or a part of the cores.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cones_fleet::Stop;
use tokio::time::sleep;

use crate::failure::Failure;

/// How often it is seen whether they have ended.
const LOOK: Duration = Duration::from_millis(200);

/// Starts the same command `count` times, and waits until all have ended. What one leaves that dies, the others or the parent
/// go on with.
pub(super) async fn run(count: usize, gpus: &[String], stop: &Stop) -> Result<(), Failure> {
    let mut children = Vec::new();
    for index in 0..count {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(std::env::args_os().skip(1)).args(["--child", &format!("{index}/{count}")]);
        if let Some(gpu) = gpus.get(index % gpus.len().max(1)) {
            command.env("CUDA_VISIBLE_DEVICES", gpu);
        }
        // Messages go where ours go; the report is ours.
        children.push(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?);
    }
    while !all_ended(&mut children)? {
        if stop.is_asked() {
            children.iter_mut().for_each(|child| drop(child.stdin.take()));
        }
        sleep(LOOK).await;
    }
    Ok(())
}

fn all_ended(children: &mut [Child]) -> std::io::Result<bool> {
    let mut running = 0;
    for child in children {
        running += usize::from(child.try_wait()?.is_none());
    }
    Ok(running == 0)
}
