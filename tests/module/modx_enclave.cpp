// The image that needs modx_library.cpp.
#include <memory>

#include <openenclave/enclave.h>

#include "modx_both.h"
#include "modx_t.h"

int img_area(const Shape &shape)
{
    return shape.area();
}

static int throw_again(int what)
{
    if (what == 0) {
        throw Refusal(23);
    }
    throw std::length_error("long");
}

static int cross(int what)
{
    try {
        return lib_throw(what);
    } catch (const Refusal &r) {
        return r.number;
    } catch (const std::out_of_range &) {
        return 2;
    } catch (int number) {
        return number;
    }
}

int modx_run(int what)
{
    switch (what) {
    case 0:
    case 1:
    case 2:
    case 3:
        return cross(what);
    case 4: {
        std::unique_ptr<Shape> shape(lib_make(6));

        return dynamic_cast<Square *>(shape.get()) != nullptr ? img_area(*shape) : 0;
    }
    case 5:
        return lib_catch(throw_again, 0);
    case 6:
        return lib_catch(throw_again, 1);
    case 7:
        return lib_join({"a", "bc", "d"}) == "a,bc,d,";
    case 8:
        return lib_static();
    default:
        return 0;
    }
}

OE_SET_ENCLAVE_SGX(1, 1, true, 256, 64, 2);
