/** Linux errnos that programs and callers can see, as the positive numbers of the generic ABI. Data only. */
export const errno = {
  EPERM: 1,
  ENOENT: 2,
  E2BIG: 7,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  ENOSPC: 28,
  ERANGE: 34,
  ENOTSUPP: 524,
  EOPNOTSUPP: 95,
  EALREADY: 114,
} as const;
