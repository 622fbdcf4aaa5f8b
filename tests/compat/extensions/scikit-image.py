import numpy as np
from skimage import feature, filters, measure, morphology, transform


def work():
    image = np.zeros((64, 64))
    image[8:20, 8:20] = image[30:50, 30:40] = 1
    labels = measure.label(image)
    assert labels.max() == 2 and [int(region.area) for region in measure.regionprops(labels)] == [144, 200]
    assert filters.threshold_otsu(filters.gaussian(image, 1)) < 0.7
    assert morphology.dilation(image).sum() > image.sum() and transform.resize(image, (32, 32)).shape == (32, 32)
    assert feature.canny(image).any() and len(measure.find_contours(image, 0.5)) == 2
