/* An OP-TEE trusted application's properties, which mean nothing to an SGX build. */
#ifndef _OE_BITS_OPTEE_OPTEEPROPERTIES_H
#define _OE_BITS_OPTEE_OPTEEPROPERTIES_H

#define OE_SET_ENCLAVE_OPTEE(UUID, HEAP_SIZE, STACK_SIZE, FLAGS, VERSION, DESCRIPTION)

#endif
