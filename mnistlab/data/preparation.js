// The changes of an image before a network sees it, as preparation.py makes them.

// The image, bytes (height, width), with its rows moved so that the ink stands upright.
function deskewed(image, height, width) {
  let ink = 0, down = 0, across = 0;
  for (let r = 0; r < height; r++) {
    for (let q = 0; q < width; q++) {
      const value = image[r * width + q];
      ink += value;
      down += value * r;
      across += value * q;
    }
  }
  ink = Math.max(ink, 1);
  const middleRow = down / ink, middleColumn = across / ink;
  let variance = 0, covariance = 0;
  for (let r = 0; r < height; r++) {
    for (let q = 0; q < width; q++) {
      const value = image[r * width + q];
      variance += value * (r - middleRow) ** 2;
      covariance += value * (r - middleRow) * (q - middleColumn);
    }
  }
  const slope = variance > 0 ? covariance / variance : covariance / ink;
  const made = new Uint8Array(height * width);
  for (let r = 0; r < height; r++) {
    const at = (column) => (column >= 0 && column < width ? image[r * width + column] : 0);
    for (let q = 0; q < width; q++) {
      const place = q + slope * (r - middleRow);
      const left = Math.floor(place), share = place - left;
      made[r * width + q] = roundedUp((1 - share) * at(left) + share * at(left + 1));
    }
  }
  return made;
}

// The image, bytes (oldHeight, oldWidth), in another size: means by area.
function resizedByArea(image, oldHeight, oldWidth, height, width) {
  const made = new Uint8Array(height * width);
  for (let r = 0; r < height; r++) {
    const top = (r * oldHeight) / height, bottom = ((r + 1) * oldHeight) / height;
    for (let q = 0; q < width; q++) {
      const left = (q * oldWidth) / width, right = ((q + 1) * oldWidth) / width;
      let sum = 0;
      for (let h = Math.floor(top); h < bottom; h++) {
        const share = Math.min(bottom, h + 1) - Math.max(top, h);
        for (let w = Math.floor(left); w < right; w++) {
          sum += share * (Math.min(right, w + 1) - Math.max(left, w)) * image[h * oldWidth + w];
        }
      }
      made[r * width + q] = roundedUp(sum / ((bottom - top) * (right - left)));
    }
  }
  return made;
}

// A half is rounded upwards, whatever the order of a sum has left of it.
function roundedUp(value) {
  return Math.floor(Math.min(Math.max(value, 0), 255) + 0.5 + 1e-9);
}
