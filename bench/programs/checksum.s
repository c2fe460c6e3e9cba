; The internet checksum of a 1500-byte packet, two bytes at a time.
  r2 = *(u32 *)(r1 + 0)
  r3 = *(u32 *)(r1 + 4)
  r0 = 0
next:
  r4 = r2
  r4 += 2
  if r4 > r3 goto fold
  r5 = *(u16 *)(r2 + 0)
  r0 += r5
  r2 = r4
  goto next
fold:
  r2 = r0
  r2 >>= 16
  r0 &= 0xffff
  r0 += r2
  r2 = r0
  r2 >>= 16
  r0 += r2
  r0 ^= 0xffff
  r0 &= 0xffff
  exit
