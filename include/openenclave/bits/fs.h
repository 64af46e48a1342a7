/*
 * File systems that an enclave can mount.
 */
#ifndef _OE_BITS_FS_H
#define _OE_BITS_FS_H

#include <openenclave/bits/defs.h>
#include <openenclave/bits/result.h>
#include <openenclave/bits/types.h>

/**
 * The file system type of the host's files, for mount().
 *
 * After oe_load_module_host_file_system():
 *     mount("/", "/", OE_HOST_FILE_SYSTEM, 0, NULL)
 * The source is a folder of the host, the target a path inside the enclave, which need not exist.
 * MS_RDONLY is the one flag. NOT protected: the host sees and can change names, contents and times.
 */
#define OE_HOST_FILE_SYSTEM "oe_host_file_system"

#endif
