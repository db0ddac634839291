/** Days that an object is billed at least (Amazon S3, "Understanding S3 storage classes", minimum storage duration). */
const LEAST_DAYS: Record<string, number> = {
  STANDARD_IA: 30,
  ONEZONE_IA: 30,
  GLACIER_IR: 90,
  GLACIER: 90,
  DEEP_ARCHIVE: 180,
};

/** Until when an object is billed although it is deleted before; null when that is not known of the class. */
export function billedUntil(storageClass: string, written: Date): Date | null {
  const days = LEAST_DAYS[storageClass];
  return days === undefined ? null : new Date(written.getTime() + days * 86_400_000);
}
