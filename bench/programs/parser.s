; Ethernet, IPv4 with options, TCP: drops what goes to port 23 (1), passes the rest (2).
  r6 = *(u32 *)(r1 + 0)
  r7 = *(u32 *)(r1 + 4)
  r0 = 2
  r2 = r6
  r2 += 34
  if r2 > r7 goto out
  r3 = *(u16 *)(r6 + 12)
  r3 = be16 r3
  if r3 != 0x800 goto out
  r4 = *(u8 *)(r6 + 14)
  r5 = r4
  r5 >>= 4
  if r5 != 4 goto out
  r4 &= 15
  r4 <<= 2
  if r4 < 20 goto out
  r5 = *(u8 *)(r6 + 23)
  if r5 != 6 goto out
  r2 = *(u16 *)(r6 + 20)
  r2 = be16 r2
  r2 &= 0x1fff
  if r2 != 0 goto out
  r6 += 14
  r6 += r4
  r2 = r6
  r2 += 20
  if r2 > r7 goto out
  r3 = *(u16 *)(r6 + 2)
  r3 = be16 r3
  w5 = 0
  if r3 != 23 goto out
  r0 = 1
out:
  exit
