// The shared library of an enclave, in C++: exceptions, types and objects that cross.
#include "modx_both.h"

namespace
{
struct Counted {
    Counted() : value(img_area(Square(3)))
    {
    }
    ~Counted()
    {
        value = 0;
    }
    int value;
};
Counted made_before_the_image;
} // namespace

Shape *lib_make(int side)
{
    return new Square(side);
}

int lib_throw(int what)
{
    switch (what) {
    case 0:
        throw Refusal(17);
    case 1:
        throw std::out_of_range("far");
    case 2:
        throw 5;
    default:
        return 1;
    }
}

int lib_catch(int (*call)(int), int what)
{
    try {
        return call(what);
    } catch (const Refusal &r) {
        return r.number;
    } catch (const std::exception &) {
        return -1;
    }
}

std::string lib_join(const std::vector<std::string> &words)
{
    std::string all;

    for (const auto &word : words) {
        all += word + ",";
    }
    return all;
}

int lib_static()
{
    static const Counted at_first_use;

    return at_first_use.value + made_before_the_image.value;
}
