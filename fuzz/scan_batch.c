/*
 * The same as in scan.c for so many regions that they leave the kernel in batches (SCAN-WALKEND-BATCH): apart
 * from it because it is slow.
 */
#define PAGES 2048
#include "scan.c"
