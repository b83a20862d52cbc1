//! Being asked to end by whoever started us, as an event instead of an end.

use std::io;

/// Has a function called each time this process is asked to end. To be called before any other thread is started, which would not be spared.
pub(crate) fn on_terminate(mut told: impl FnMut() + Send + 'static) -> io::Result<()> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` writes all of the set, which is what the other calls need.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        let mut set = set.assume_init();
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        if libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        set
    };
    std::thread::spawn(move || {
        loop {
            let mut signal = 0;
            // SAFETY: both are valid for the call.
            if unsafe { libc::sigwait(&raw const set, &raw mut signal) } == 0 {
                told();
            }
        }
    });
    Ok(())
}

/// Ends this process by a signal, as another one ended by it.
pub fn end_by(signal: i32) {
    // SAFETY: plain system calls; the default disposition refers to no code of ours.
    unsafe {
        // What happened to the member is not to be written to disk twice.
        let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
        libc::signal(signal, libc::SIG_DFL);
        let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
        libc::sigfillset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), std::ptr::null_mut());
        libc::kill(libc::getpid(), signal);
    }
}
