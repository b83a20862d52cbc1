//! Pages that two processes share, and the system calls that share them: all that is unsafe of this transport.
//!
//! Knows neither what the bytes mean nor who may write where; [`super::ring`] does. Whatever the other process writes here, no call of this file
//! leaves the pages or ends the process.

use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU64;

/// Bytes in front of each ring's data: a page, so that the data begins at one.
const CONTROL_BYTES: usize = 4096;
/// Words of two processes must not share a cache line; processors fetch lines in pairs.
const WORD_BYTES: usize = 128;
/// `F_SEAL_EXEC` and its flag are younger than the oldest system we run on: without them on such a system.
const MFD_NOEXEC_SEAL: libc::c_uint = 8;
/// What stands in the way of a signal (SIGBUS) from a file that shrinks under us. `F_SEAL_GROW` and `F_SEAL_SEAL` keep it that way.
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;

/// What `fstatfs` calls the file system of memory files; a number here, since libraries of C disagree on its type.
const TMPFS: u32 = 0x0102_1994;

/// One of the two rings: the first is written by the dialer, the second by the acceptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    /// From dialer to acceptor.
    First,
    /// From acceptor to dialer.
    Second,
}

/// The shared words of a ring.
#[derive(Clone, Copy, Debug)]
pub(super) enum Word {
    /// Bytes written so far; the producer's.
    Tail,
    /// Bytes read so far; the consumer's.
    Head,
    /// Not 0: the consumer sleeps until something is there.
    ConsumerSleeps,
    /// Not 0: the producer sleeps until there is room.
    ProducerSleeps,
}

/// The mapped pages of both rings.
#[derive(Debug)]
pub(super) struct Memory {
    base: NonNull<u8>,
    /// Bytes of each ring; a power of two.
    capacity: usize,
}

impl Memory {
    /// Makes new pages and the descriptor that shares them.
    ///
    /// # Errors
    /// What the system says; `capacity` is no power of two.
    pub(super) fn create(capacity: usize) -> io::Result<(Self, OwnedFd)> {
        let bytes = file_bytes(capacity)?;
        let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
        let descriptor = memfd(flags | MFD_NOEXEC_SEAL).or_else(|_| memfd(flags))?;
        let file = std::fs::File::from(descriptor);
        file.set_len(bytes as u64)?;
        let descriptor = OwnedFd::from(file);
        // SAFETY: the call takes a number; the descriptor is open.
        check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_ADD_SEALS, SEALS) })?;
        Ok((Self::map(descriptor.as_fd(), capacity)?, descriptor))
    }

    /// Maps pages that another process made, after checking that it cannot take them away again.
    ///
    /// # Errors
    /// The descriptor is not such a file, or what the system says.
    pub(super) fn adopt(descriptor: OwnedFd, capacity: usize) -> io::Result<Self> {
        let refuse = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        let bytes = file_bytes(capacity)?;
        // SAFETY: the call takes nothing but the descriptor, which is open.
        let seals = check(unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GET_SEALS) })?;
        if seals & SEALS != SEALS {
            return refuse("the shared memory can be taken away");
        }
        if !is_ordinary(&descriptor)? {
            return refuse("the shared memory is of huge pages, which may be missing when they are used");
        }
        let file = std::fs::File::from(descriptor);
        if file.metadata()?.len() != bytes as u64 {
            return refuse("the shared memory is not as large as it should be");
        }
        Self::map(file.as_fd(), capacity)
    }

    fn map(descriptor: BorrowedFd<'_>, capacity: usize) -> io::Result<Self> {
        let (protection, bytes) = (libc::PROT_READ | libc::PROT_WRITE, file_bytes(capacity)?);
        // SAFETY: a new mapping at an address of the system's choice touches no memory of ours.
        let base =
            unsafe { libc::mmap(ptr::null_mut(), bytes, protection, libc::MAP_SHARED, descriptor.as_raw_fd(), 0) };
        match NonNull::new(base.cast::<u8>()) {
            Some(base) if base.as_ptr().cast() != libc::MAP_FAILED => Ok(Self { base, capacity }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Returns the bytes that each ring holds.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns a word of a ring.
    #[inline]
    pub(super) fn word(&self, half: Half, word: Word) -> &AtomicU64 {
        let at = self.start(half) + word as usize * WORD_BYTES;
        // SAFETY: all words lie in the control bytes of the mapping, at multiples of 8, and are only ever used as atomics, here and by the
        // other process; the mapping lives as long as `self`.
        unsafe { AtomicU64::from_ptr(self.base.add(at).as_ptr().cast()) }
    }

    /// Copies bytes into a ring, from position `at` on, round its end. Not more than its capacity are copied.
    #[inline]
    pub(super) fn copy_in(&self, half: Half, at: u64, bytes: &[u8]) {
        let (start, first, rest) = self.pieces(at, bytes.len());
        let data = self.data(half);
        // SAFETY: `pieces` returns places within the data of the ring and lengths within `bytes`; a slice of ours does not overlap the mapping,
        // which is reached by raw pointers alone. Should the other process read meanwhile, against the order of `Tail`, it reads nonsense.
        unsafe {
            ptr::copy_nonoverlapping(bytes.as_ptr(), data.add(start), first);
            ptr::copy_nonoverlapping(bytes.as_ptr().add(first), data, rest);
        }
    }

    /// Copies bytes out of a ring, from position `at` on, round its end. Not more than its capacity are copied.
    #[inline]
    pub(super) fn copy_out(&self, half: Half, at: u64, buffer: &mut [u8]) {
        let (start, first, rest) = self.pieces(at, buffer.len());
        let data = self.data(half);
        // SAFETY: as in `copy_in`. Should the other process write meanwhile, against the order of `Head`, the bytes are nonsense, which are
        // looked at only after they were copied.
        unsafe {
            ptr::copy_nonoverlapping(data.add(start), buffer.as_mut_ptr(), first);
            ptr::copy_nonoverlapping(data, buffer.as_mut_ptr().add(first), rest);
        }
    }

    /// Asks for the cache line of a position.
    #[inline]
    pub(super) fn touch(&self, half: Half, at: u64) {
        let (start, ..) = self.pieces(at, 0);
        // SAFETY: `pieces` returns a place within the data of the ring; any byte is a valid `u8`, and nobody looks at it.
        unsafe { self.data(half).add(start).read_volatile() };
    }

    /// Gives the pages back that lie wholly in `count` bytes from position `at` on. They are zeros then, for both processes: to be called by the writer
    /// alone, for what is free.
    pub(super) fn give_back(&self, half: Half, at: u64, count: usize) {
        // SAFETY: the call takes a number.
        let Ok(page @ 1..) = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }) else { return };
        let (start, first, rest) = self.pieces(at, count);
        let data = self.start(half) + CONTROL_BYTES;
        for (start, end) in [(data + start, data + start + first), (data, data + rest)] {
            let (start, end) = (start.next_multiple_of(page), end - end % page);
            if start < end {
                // SAFETY: whole pages of the mapping, which stays; nobody has references into it. A system that cannot do it keeps the pages.
                unsafe { libc::madvise(self.base.add(start).as_ptr().cast(), end - start, libc::MADV_REMOVE) };
            }
        }
    }

    /// Cuts `count` bytes from position `at` on into what lies before the ring's end and what lies after it.
    #[inline]
    fn pieces(&self, at: u64, count: usize) -> (usize, usize, usize) {
        let start = at as usize & (self.capacity - 1);
        let count = count.min(self.capacity);
        let first = count.min(self.capacity - start);
        (start, first, count - first)
    }

    #[inline]
    fn start(&self, half: Half) -> usize {
        match half {
            Half::First => 0,
            Half::Second => CONTROL_BYTES + self.capacity,
        }
    }

    #[inline]
    fn data(&self, half: Half) -> *mut u8 {
        // SAFETY: both rings lie in the mapping.
        unsafe { self.base.add(self.start(half) + CONTROL_BYTES).as_ptr() }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours alone and has this size; references into it borrow `self`. It cannot fail then.
        unsafe { libc::munmap(self.base.as_ptr().cast(), 2 * (CONTROL_BYTES + self.capacity)) };
    }
}

/// Returns the size of the file of two rings.
fn file_bytes(capacity: usize) -> io::Result<usize> {
    if !capacity.is_power_of_two() || !(CONTROL_BYTES..=usize::MAX / 4).contains(&capacity) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no size of a ring"));
    }
    Ok(2 * (CONTROL_BYTES + capacity))
}

/// Makes an empty memory file. The kernel is asked itself: glibc has a function for it since 2.27 only, and programs run with older ones.
pub(super) fn memfd(flags: libc::c_uint) -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string.
    let answer = unsafe { libc::syscall(libc::SYS_memfd_create, c"hydro".as_ptr(), flags) };
    let descriptor = check(answer.try_into().unwrap_or(-1))?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Tells whether the file has pages of the usual size.
fn is_ordinary(descriptor: &OwnedFd) -> io::Result<bool> {
    // SAFETY: the structure is plain numbers, for which zeros are valid, and lives as long as the call.
    unsafe {
        let mut about: libc::statfs = zeroed();
        check(libc::fstatfs(descriptor.as_raw_fd(), &raw mut about))?;
        Ok(about.f_type as u32 == TMPFS)
    }
}

/// Returns the first byte that a socket has for us, without taking it; none: the other end is gone.
///
/// # Errors
/// What the system says; nothing there is an error, too (`WouldBlock`).
pub(super) fn peek(socket: BorrowedFd<'_>) -> io::Result<Option<u8>> {
    let mut byte = 0_u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: the buffer is one byte, and lives as long as the call.
    let count = unsafe { libc::recv(socket.as_raw_fd(), (&raw mut byte).cast(), 1, flags) };
    Ok((check_size(count)? > 0).then_some(byte))
}

/// Sends one byte, without waiting and without a signal when the other end is gone.
///
/// # Errors
/// What the system says.
pub(super) fn send_byte(socket: BorrowedFd<'_>) -> io::Result<()> {
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    // SAFETY: the buffer is one byte.
    check_size(unsafe { libc::send(socket.as_raw_fd(), (&raw const BELL).cast(), 1, flags) }).map(drop)
}

/// What rings.
static BELL: u8 = 1;

/// Room for one descriptor beside a message, aligned as its header must be.
#[repr(C, align(8))]
struct Beside([u8; 64]);

/// Sends bytes and a descriptor.
///
/// # Errors
/// What the system says.
pub(super) fn send_with(socket: BorrowedFd<'_>, bytes: &[u8], descriptor: BorrowedFd<'_>) -> io::Result<usize> {
    let mut beside = Beside([0; 64]);
    let mut piece = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: all that the message points to lives as long as the call, which only reads it; the header's place and size are computed by the
    // system's own macros and lie in `beside`.
    let count = unsafe {
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut piece, 1);
        message.msg_control = (&raw mut beside).cast();
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(descriptor.as_raw_fd());
        libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    check_size(count)
}

/// Receives bytes and the one descriptor that comes with them.
///
/// # Errors
/// What the system says.
pub(super) fn receive_with(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    // Room for exactly one: the system closes whatever more is sent.
    let mut beside = Beside([0; 64]);
    let mut piece = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all that the message points to lives as long as the call; a descriptor that comes with it is new and nobody else's, and it is
    // read only where the system says that it wrote one.
    unsafe {
        let mut message: libc::msghdr = zeroed();
        (message.msg_iov, message.msg_iovlen) = (&raw mut piece, 1);
        message.msg_control = (&raw mut beside).cast();
        message.msg_controllen = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
        let count = check_size(libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags))?;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let has_one = !header.is_null()
            && (*header).cmsg_level == libc::SOL_SOCKET
            && (*header).cmsg_type == libc::SCM_RIGHTS
            && (*header).cmsg_len as usize == libc::CMSG_LEN(size_of::<RawFd>() as u32) as usize;
        let descriptor =
            has_one.then(|| OwnedFd::from_raw_fd(libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned()));
        Ok((count, descriptor))
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn check_size(result: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
